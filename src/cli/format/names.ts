/** Names that Windows itself defines for numbers in System; those of providers need their resources. */

const LEVELS: readonly string[] = ['Information', 'Critical', 'Error', 'Warning', 'Information', 'Verbose'];

export function levelName(level: number | undefined): string {
  return level === undefined ? 'N/A' : (LEVELS[level] ?? String(level));
}

const OPCODES: Readonly<Record<number, string>> = {
  0: 'Info',
  1: 'Start',
  2: 'Stop',
  3: 'DCStart',
  4: 'DCStop',
  5: 'Extension',
  6: 'Reply',
  7: 'Resume',
  8: 'Suspend',
  9: 'Send',
  240: 'Receive',
};

export function opcodeName(opcode: number | undefined): string {
  return opcode === undefined ? 'N/A' : (OPCODES[opcode] ?? String(opcode));
}

/** The upper 16 bits: 48 to 55 have names, 56 to 63 mark the channel. */
const KEYWORDS: readonly (readonly [bit: bigint, name: string])[] = [
  [48n, 'Response Time'],
  [49n, 'WDI Context'],
  [50n, 'WDI Diag'],
  [51n, 'SQM'],
  [52n, 'Audit Failure'],
  [53n, 'Audit Success'],
  [54n, 'Correlation Hint'],
  [55n, 'Classic'],
];

export function keywordNames(keywords: bigint | undefined): string {
  const names = KEYWORDS.filter(([bit]) => ((keywords ?? 0n) >> bit) & 1n).map(([, name]) => name);
  return names.length === 0 ? 'N/A' : names.join(',');
}
