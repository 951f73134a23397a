import { u16, u64 } from '../bytes/little-endian.ts';
import { EvtError } from '../errors/evt-error.ts';
import type { EventDescriptor } from '../providers/metadata.ts';

/** What operations 9 and 10 are asked with, and what they answer (MS-EVEN6 2.2.1, 3.1.4.31). */

const DESCRIPTOR_SIZE = 16;
const UNIT_SIZE = 2;

export function encodeDescriptor(event: EventDescriptor): Uint8Array {
  const { id, version, channel, level, opcode, task, keywords } = event;
  const bytes = new Uint8Array(DESCRIPTOR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id, true);
  bytes.set([version, channel, level, opcode], 2);
  view.setUint16(6, task, true);
  view.setBigUint64(8, keywords, true);
  return bytes;
}

/** @throws EvtError ERROR_INVALID_PARAMETER (87) */
export function decodeDescriptor(bytes: Uint8Array, api: string): EventDescriptor {
  if (bytes.length < DESCRIPTOR_SIZE) {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, `an event descriptor of ${bytes.length} bytes is too short`);
  }
  return {
    id: u16(bytes, 0),
    version: bytes[2]!,
    channel: bytes[3]!,
    level: bytes[4]!,
    opcode: bytes[5]!,
    task: u16(bytes, 6),
    keywords: u64(bytes, 8),
  };
}

/** Texts as they are answered: each terminated; a list of them with one terminator more. */
export function encodeTexts(texts: readonly string[], isList: boolean): Uint8Array {
  return Buffer.from(texts.map((text) => `${text}\0`).join('') + (isList ? '\0' : ''), 'utf16le');
}

/** @throws EvtError ERROR_INVALID_DATA (13) */
export function decodeTexts(bytes: Uint8Array, isList: boolean, api: string): string[] {
  if (bytes.length % UNIT_SIZE !== 0) {
    throw new EvtError('ERROR_INVALID_DATA', api, `a message of ${bytes.length} bytes is no text of UTF-16`);
  }
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf16le').split('\0');
  return isList ? texts.filter((text) => text !== '') : texts.slice(0, 1);
}
