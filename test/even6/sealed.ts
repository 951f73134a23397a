import { CALL_HEAD } from '../../src/even6/pdu/call-bodies.ts';
import { encodePdu, type PduParts } from '../../src/even6/pdu/pdu.ts';
import type { PduSecurity } from '../../src/even6/rpc/pdu-security.ts';
import { SIGNATURE_SIZE } from '../../src/even6/security/security-context.ts';

/** One fragment of a request, protected, with its stub padded to a multiple of 16. */
export function sealed(security: PduSecurity, parts: PduParts): Uint8Array {
  const { context, level, contextId } = security;
  const auth = { type: context.type, level, contextId, token: new Uint8Array(SIGNATURE_SIZE) };
  const padding = -(parts.body.length - CALL_HEAD) & 15;
  const pdu = encodePdu({ ...parts, auth, padding });
  security.seal(pdu, padding);
  return pdu;
}
