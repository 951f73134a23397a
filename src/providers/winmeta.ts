import { type MessageRequest, NO_METADATA, type PublisherMetadata } from './metadata.ts';

/** What every Windows machine has for events, whoever publishes them (winmeta.xml), in English. */

type Row = readonly [value: number, name: string, text: string];

const LEVELS: readonly Row[] = [
  // Shown like the level it is for most readers.
  [0, 'win:LogAlways', 'Information'],
  [1, 'win:Critical', 'Critical'],
  [2, 'win:Error', 'Error'],
  [3, 'win:Warning', 'Warning'],
  [4, 'win:Informational', 'Information'],
  [5, 'win:Verbose', 'Verbose'],
];
const OPCODES: readonly Row[] = [
  [0, 'win:Info', 'Info'],
  [1, 'win:Start', 'Start'],
  [2, 'win:Stop', 'Stop'],
  [3, 'win:DC_Start', 'DCStart'],
  [4, 'win:DC_Stop', 'DCStop'],
  [5, 'win:Extension', 'Extension'],
  [6, 'win:Reply', 'Reply'],
  [7, 'win:Resume', 'Resume'],
  [8, 'win:Suspend', 'Suspend'],
  [9, 'win:Send', 'Send'],
  [240, 'win:Receive', 'Receive'],
];
const TASKS: readonly Row[] = [[0, 'win:None', 'None']];
/** By bit: 48 to 55 have names, 56 to 63 mark the channel. */
const KEYWORDS: readonly Row[] = [
  [48, 'win:ResponseTime', 'Response Time'],
  [49, 'win:WDIContext', 'WDI Context'],
  [50, 'win:WDIDiag', 'WDI Diag'],
  [51, 'win:SQM', 'SQM'],
  [52, 'win:AuditFailure', 'Audit Failure'],
  [53, 'win:AuditSuccess', 'Audit Success'],
  [54, 'win:CorrelationHint', 'Correlation Hint'],
  [55, 'win:EventlogClassic', 'Classic'],
];

function textOf(rows: readonly Row[], value: number): string | undefined {
  return rows.find(([each]) => each === value)?.[2];
}

export function levelText(level: number): string | undefined {
  return textOf(LEVELS, level);
}

export function opcodeText(opcode: number): string | undefined {
  return textOf(OPCODES, opcode);
}

/** The tasks of publishers are their own; 0 is none. */
export function taskText(task: number): string | undefined {
  return textOf(TASKS, task);
}

/** Of the reserved bits of a mask. */
export function keywordTexts(mask: bigint): string[] {
  return KEYWORDS.filter(([bit]) => ((mask >> BigInt(bit)) & 1n) === 1n).map(([, , text]) => text);
}

/** The texts that a message is asked for, of those that need no publisher; undefined where there is none. */
export function defaultTexts({ kind, event }: MessageRequest): string[] | undefined {
  if (kind === 'keyword') {
    const texts = keywordTexts(event.keywords);
    return texts.length === 0 ? undefined : texts;
  }
  const text =
    kind === 'level'
      ? levelText(event.level)
      : kind === 'task'
        ? taskText(event.task)
        : kind === 'opcode'
          ? opcodeText(event.opcode)
          : undefined;
  return text === undefined ? undefined : [text];
}

const OPCODE_SHIFT = 0x1_0000;

/** What stands for a publisher where none is named. */
export const DEFAULT_PUBLISHER: PublisherMetadata = {
  ...NO_METADATA,
  levels: LEVELS.map(([value, name]) => ({ name, value, messageId: undefined })),
  tasks: TASKS.map(([value, name]) => ({ name, value, messageId: undefined, eventGuid: undefined })),
  opcodes: OPCODES.map(([value, name]) => ({ name, value: value * OPCODE_SHIFT, messageId: undefined })),
  keywords: KEYWORDS.map(([bit, name]) => ({ name, mask: 1n << BigInt(bit), messageId: undefined })),
};
