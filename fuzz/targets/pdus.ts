import {
  decodeBind,
  decodeBindAck,
  decodeBindNak,
  encodeBind,
  encodeBindAck,
  encodeBindNak,
} from '../../src/even6/pdu/bind.ts';
import {
  decodeFaultBody,
  decodeRequestBody,
  encodeCallBody,
  encodeFaultBody,
} from '../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, PduError, PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, NDR, NDR64 } from '../../src/even6/pdu/syntaxes.ts';
import { checkVerificationTrailer } from '../../src/even6/pdu/verification-trailer.ts';
import { hex } from '../../test/even6/hex.ts';
import { mutateBytes, split } from '../mutate.ts';
import { Random } from '../random.ts';
import { asBytes, refusable, type Target } from '../target.ts';

/** The bind that Windows is thought to send: three contexts, NTLM's first message. */
export const BIND = hex(
  `05000b17 10000000 d0002800 01000000 d016d016 00000000 03000000 00000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000
   045d888a eb1cc911 9fe80800 2b104860 02000000 01000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 33057171 babe3749
   8319b5db ef9ccc36 01000000 02000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 2c1cb76c 12984045 03000000 00000000
   01000000 0a060000 01000000 4e544c4d 53535000 01000000 358208e2 00000000 28000000 00000000 28000000 0a006345 0000000f`,
);
const BIND_ACK = hex(
  `05000c13 10000000 6c000000 01000000 d016d016 01100000 06003439 39303000 03000000 00000000 045d888a eb1cc911 9fe80800
   2b104860 02000000 02000200 00000000 00000000 00000000 00000000 00000000 03000300 00000000 00000000 00000000 00000000
   00000000`,
);
const SEALED = hex(
  `05000003 10000000 50001000 02000000 14000000 00000e00 04e56d65 1fdb9c18 32a69309 2dd1bcca 4291c056 a694370b 0a7f34c3
   64e0ffa2 0a060c00 01000000 01000000 1079a899 bb7b6566 00000000`,
);
const REQUEST = encodePdu({
  type: PduType.request,
  flags: 3,
  callId: 3,
  body: encodeCallBody(20, 0, 14, hex('00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0')),
});
const FAULT = encodePdu({ type: PduType.fault, flags: 3, callId: 7, body: encodeFaultBody(0, 0x1c01_0002) });
const NAK = encodePdu({ type: PduType.bindNak, flags: 3, callId: 1, body: encodeBindNak(4) });
const CANCEL = hex('05001203 10000000 10000000 07000000');
const PDUS = [BIND, BIND_ACK, SEALED, REQUEST, FAULT, NAK, CANCEL];

const TRAILER = hex(
  `8ae31371 02f43671 01000400 01000000 02402800 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 045d888a eb1cc911 9fe80800
   2b104860 02000000`,
);
const VERIFIED = { abstract: EVENT_SERVICE, transfer: NDR, callId: 3, contextId: 0, opnum: 14 };

/** Bytes that come in one piece, and in others, are the same PDUs. */
function takeStream(bytes: Uint8Array): void {
  const pieces = split(bytes, new Random(bytes.length * 65_537 + (bytes[0] ?? 0)));
  const outcomes = [[bytes], pieces].map((given) => {
    const stream = new PduStream();
    const pdus: string[] = [];
    try {
      for (const piece of given) for (const pdu of stream.push(piece)) pdus.push(Buffer.from(pdu).toString('hex'));
    } catch (error) {
      if (!(error instanceof PduError)) throw error;
      pdus.push('refused');
    }
    return pdus.join();
  });
  if (outcomes[0] !== outcomes[1]) throw new Error('how a stream is cut changes its PDUs');
}

function takePdu(bytes: Uint8Array): void {
  refusable(() => {
    for (const whole of new PduStream().push(bytes)) {
      const pdu = decodePdu(whole);
      decodeRequestBody(pdu.body, pdu.flags);
      decodeFaultBody(pdu.body);
    }
  }, [PduError]);
}

/** PDUs, their bodies, and what stands behind a request's stub. */
export const PDU_TARGETS: readonly Target[] = [
  {
    name: 'pdu-stream',
    make: (random) => {
      const whole = Array.from({ length: 1 + random.below(6) }, () => random.pick(PDUS));
      const bytes = new Uint8Array(Buffer.concat(whole));
      return random.below(3) === 0 ? bytes : mutateBytes(bytes, random);
    },
    take: (input) => takeStream(asBytes(input)),
  },
  {
    name: 'pdu',
    make: (random) => mutateBytes(random.pick(PDUS), random),
    take: (input) => takePdu(asBytes(input)),
  },
  {
    name: 'bind',
    make: (random) => {
      const contexts = [
        { id: 0, abstract: EVENT_SERVICE, transfers: [NDR, NDR64] },
        { id: 1, abstract: EVENT_SERVICE, transfers: [NDR64] },
      ];
      const seed =
        random.below(2) === 0
          ? BIND.subarray(16, 160)
          : encodeBind({ maxTransmit: 5840, maxReceive: 5840, group: 9, contexts });
      return mutateBytes(seed, random);
    },
    take: (input) =>
      refusable(() => {
        const body = decodeBind(asBytes(input));
        const again = decodeBind(encodeBind(body));
        if (JSON.stringify(again) !== JSON.stringify(body)) throw new Error('a bind is not written as it was read');
      }, [PduError]),
  },
  {
    name: 'bind-ack',
    make: (random) => mutateBytes(random.pick([BIND_ACK, NAK]).subarray(16), random),
    take: (input) =>
      refusable(() => {
        decodeBindNak(asBytes(input));
        const body = decodeBindAck(asBytes(input));
        decodeBindAck(encodeBindAck(body));
      }, [PduError]),
  },
  {
    name: 'verification-trailer',
    make: (random) => {
      const stub = new Uint8Array(Buffer.concat([hex('00000000 c1c2c3c4'), TRAILER]));
      return mutateBytes(random.below(2) === 0 ? stub : TRAILER, random);
    },
    take: (input) => {
      const stub = asBytes(input);
      const rest = checkVerificationTrailer(stub, VERIFIED);
      if (rest !== undefined && rest.length > stub.length) throw new Error('a stub has grown');
    },
  },
];
