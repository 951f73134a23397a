import { u32 } from './little-endian.ts';

/** Bytes of a SID before its sub-authorities: revision, count, six bytes of authority. */
const SID_HEADER = 8;
/** Windows' own limit (SID_MAX_SUB_AUTHORITIES). */
export const MAX_SUB_AUTHORITIES = 15;

/** Bytes that the SID at `offset` takes by its own count of sub-authorities; undefined when it does not fit `size` or the count is no SID's. */
export function sidSize(bytes: Uint8Array, offset: number, size: number): number | undefined {
  if (size < SID_HEADER) return undefined;
  const count = bytes[offset + 1]!;
  const need = SID_HEADER + 4 * count;
  return count > MAX_SUB_AUTHORITIES || need > size ? undefined : need;
}

/** `S-1-5-…` of the SID at `offset`; undefined when it is malformed. The authority is big-endian. */
export function sidText(bytes: Uint8Array, offset: number, size: number): string | undefined {
  const need = sidSize(bytes, offset, size);
  if (need === undefined) return undefined;
  let authority = 0;
  for (let i = 2; i < SID_HEADER; i++) authority = authority * 256 + bytes[offset + i]!;
  let text = `S-${bytes[offset]}-`;
  // "S-1-0x…" for authorities of 2^32 and more: MS-DTYP 2.4.2.1.
  text += authority < 0x1_0000_0000 ? authority : `0x${authority.toString(16).toUpperCase().padStart(12, '0')}`;
  for (let at = offset + SID_HEADER, end = offset + need; at < end; at += 4) text += `-${u32(bytes, at)}`;
  return text;
}

const SID_FORM = /^S-(\d{1,3})-(\d{1,15}|0x[0-9a-f]{12})((?:-\d{1,10})*)$/i;

/** The bytes of a SID in text; undefined when it is none. */
export function sidBytes(text: string): Uint8Array | undefined {
  const match = SID_FORM.exec(text);
  if (match === null) return undefined;
  const authority = Number(match[2]);
  const parts = match[3] === '' ? [] : match[3]!.slice(1).split('-').map(Number);
  const revision = Number(match[1]);
  if (revision > 255 || authority >= 2 ** 48 || parts.length > MAX_SUB_AUTHORITIES) return undefined;
  if (parts.some((part) => part > 0xffff_ffff)) return undefined;
  const bytes = new Uint8Array(SID_HEADER + 4 * parts.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = revision;
  bytes[1] = parts.length;
  view.setUint16(2, Math.floor(authority / 0x1_0000_0000));
  view.setUint32(4, authority % 0x1_0000_0000);
  for (const [i, part] of parts.entries()) view.setUint32(SID_HEADER + 4 * i, part, true);
  return bytes;
}
