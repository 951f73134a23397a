/** Strings that every Windows machine has for events, whoever publishes them (winmeta.xml). */

const LEVELS = ['LogAlways', 'Critical', 'Error', 'Warning', 'Information', 'Verbose'];
const LOG_ALWAYS_SHOWN = 'Information';
const OPCODES = ['Info', 'Start', 'Stop', 'DCStart', 'DCStop', 'Extension', 'Reply', 'Resume', 'Suspend', 'Send'];
const RECEIVE = 240;
/** By bit, from 48 on. */
const KEYWORDS: readonly (readonly [bit: bigint, name: string])[] = [
  [49n, 'Response Time'],
  [50n, 'WDI Context'],
  [51n, 'WDI Diag'],
  [52n, 'SQM'],
  [53n, 'Audit Failure'],
  [54n, 'Audit Success'],
  [55n, 'Classic'],
];

export function levelString(level: number): string | undefined {
  return level === 0 ? LOG_ALWAYS_SHOWN : LEVELS[level];
}

export function opcodeString(opcode: number): string | undefined {
  return opcode === RECEIVE ? 'Receive' : OPCODES[opcode];
}

/** The tasks of publishers are their own; 0 is none. */
export function taskString(task: number): string | undefined {
  return task === 0 ? 'None' : undefined;
}

/** The names of a mask's reserved bits. */
export function keywordStrings(mask: bigint): string[] {
  return KEYWORDS.filter(([bit]) => ((mask >> bit) & 1n) === 1n).map(([, name]) => name);
}
