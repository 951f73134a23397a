import { createHash, createHmac } from 'node:crypto';
import { utf16Bytes } from '../../bytes/utf16.ts';
import { md4 } from './md4.ts';

/** The hashes and keys of NTLMv2 (MS-NLMP 3.3.2, 3.4.5). */

export const KEY_SIZE = 16;
const BLOB_HEAD = 28;
const BLOB_TAIL = 4;

export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('md5', key);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

/** A password's NT hash: whoever has it can log on as if he had the password. */
export function ntHash(password: string): Uint8Array {
  const text = utf16Bytes(password);
  const hash = md4(text);
  text.fill(0);
  return hash;
}

/** Upper case unit by unit: no character becomes two, as ß would. */
function upper(text: string): string {
  let result = '';
  for (const unit of text.split('')) {
    const raised = unit.toUpperCase();
    result += raised.length === 1 ? raised : unit;
  }
  return result;
}

/** The key of all responses. @param domain exactly as it is sent; it may be empty */
export function ntOwfV2(hash: Uint8Array, user: string, domain: string): Uint8Array {
  return hmacMd5(hash, utf16Bytes(upper(user) + domain));
}

/** What the client's response covers beside the server's challenge. @param time FILETIME */
export function responseBlob(time: bigint, clientChallenge: Uint8Array, targetInfo: Uint8Array): Uint8Array {
  const blob = new Uint8Array(BLOB_HEAD + targetInfo.length + BLOB_TAIL);
  blob[0] = 1;
  blob[1] = 1;
  new DataView(blob.buffer).setBigUint64(8, time, true);
  blob.set(clientChallenge, 16);
  blob.set(targetInfo, BLOB_HEAD);
  return blob;
}

/** The target information in a blob: its pairs, and what may stand behind their end. */
export function blobTargetInfo(blob: Uint8Array): Uint8Array {
  return blob.subarray(BLOB_HEAD);
}

export type Direction = 'client-to-server' | 'server-to-client';

function magicKey(key: Uint8Array, direction: Direction, use: 'signing' | 'sealing'): Uint8Array {
  const constant = `session key to ${direction} ${use} key magic constant\0`;
  return new Uint8Array(createHash('md5').update(key).update(constant, 'latin1').digest());
}

export function signKey(exportedKey: Uint8Array, direction: Direction): Uint8Array {
  return magicKey(exportedKey, direction, 'signing');
}

/** With 128 bits of the session key: shorter ones are refused. */
export function sealKey(exportedKey: Uint8Array, direction: Direction): Uint8Array {
  return magicKey(exportedKey, direction, 'sealing');
}
