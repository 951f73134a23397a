import { keywordTexts, levelText, opcodeText } from '../../providers/winmeta.ts';

/** Names that Windows itself defines for numbers in System; those of providers need their resources. */

export function levelName(level: number | undefined): string {
  return level === undefined ? 'N/A' : (levelText(level) ?? String(level));
}

export function opcodeName(opcode: number | undefined): string {
  return opcode === undefined ? 'N/A' : (opcodeText(opcode) ?? String(opcode));
}

export function keywordNames(keywords: bigint | undefined): string {
  const names = keywordTexts(keywords ?? 0n);
  return names.length === 0 ? 'N/A' : names.join(',');
}
