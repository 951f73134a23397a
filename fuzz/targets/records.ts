import { resolveDocument } from '../../src/binxml/resolve.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { readWireDocument, WireTemplateCache, writeWireDocument } from '../../src/binxml/wire.ts';
import { EvtError } from '../../src/errors/evt-error.ts';
import { readResultRecord, recordsOf, writeResultRecord } from '../../src/even6/record.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { renderXml } from '../../src/render/xml.ts';
import { eventsOf } from '../../src/service/remote/remote-event.ts';
import { recordsOf as storedRecords } from '../../test/documents.ts';
import { hex } from '../../test/even6/hex.ts';
import { mutateBytes } from '../mutate.ts';
import type { Random } from '../random.ts';
import { asBytes, refusable, type Target } from '../target.ts';
import { render } from './render.ts';
import { seedLogs } from './seed-logs.ts';

const RECORD = hex(
  `5f000000 10000000 10000000 37000000 1b000000 0f010100 01110000 00ba0c05 00450076 0065006e 00740000 00030001 00000007
   00000028 00000018 00000002 00000001 00000001 00000018 00000000 00000000 0000002a 00000000 000000`,
);

/** Events of the seed logs as a server sends them: some of each. */
const DOCUMENTS: readonly Uint8Array[] = seedLogs.flatMap((log) =>
  storedRecords(log)
    .flatMap(({ document }) => (document === undefined ? [] : [document]))
    .filter((_, i) => i % 37 === 0)
    .map(writeWireDocument),
);

/** Tokens and types of Binary XML, where they are more likely to mean something. */
function mutateDocument(random: Random): Uint8Array {
  const bytes = mutateBytes(random.pick(DOCUMENTS), random);
  for (let i = random.below(3); i > 0 && bytes.length > 0; i--) {
    const token = random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x21, 0x41, 0x46, 0x81, 0xa1]);
    bytes[random.below(bytes.length)] = token;
  }
  return bytes;
}

/** From the wire into a log, and back to the wire: the event stays what it is. */
function takeIntoFile(fragment: Fragment): void {
  let xml: string;
  try {
    xml = renderXml(resolveDocument(fragment));
    const writer = new ChunkWriter(1n);
    if (!writer.add(fragment, 1n, 0n)) return;
    const chunk = new Chunk(writer.finish(), 0, HEADER_BLOCK_SIZE);
    const stored = [...chunk.liveRecords()].map((offset) => chunk.document(offset));
    const wire = readWireDocument(writeWireDocument(stored[0]!));
    if (renderXml(resolveDocument(wire)) === xml) return;
  } catch (error) {
    if (error instanceof EvtError) return;
    throw error;
  }
  throw new Error(`stored and sent on, an event is another: ${xml.slice(0, 200)}`);
}

/** Records of results, and the events in them. */
export const RECORD_TARGETS: readonly Target[] = [
  {
    name: 'result-record',
    make: (random) => mutateBytes(RECORD, random),
    take: (input) =>
      refusable(() => {
        const record = readResultRecord(asBytes(input));
        readResultRecord(writeResultRecord(record));
      }),
  },
  {
    name: 'record-batch',
    // Offsets and sizes of three records, then their bytes.
    make: (random) => {
      const head = new Uint8Array(Uint32Array.of(0, 96, 192, 95, 95, 95).buffer);
      const bytes = Buffer.concat([head, RECORD, Buffer.alloc(1), RECORD, Buffer.alloc(1), RECORD]);
      return mutateBytes(new Uint8Array(bytes), random);
    },
    take: (input) => {
      const head = new Uint8Array(24);
      head.set(asBytes(input).subarray(0, 24));
      const numbers = [...new Uint32Array(head.buffer)];
      const batch = {
        offsets: numbers.slice(0, 3),
        sizes: numbers.slice(3),
        bytes: asBytes(input).subarray(24),
      };
      refusable(() => {
        const records = recordsOf(batch.bytes, batch.offsets, batch.sizes);
        if (records.reduce((sum, { length }) => sum + length, 0) > batch.bytes.length) {
          throw new Error('records have more bytes than their answer');
        }
      });
      refusable(() => {
        for (const event of eventsOf(batch, ['A', 'B'], 'fuzz')) event.text('xml');
      });
    },
  },
  {
    name: 'wire',
    make: mutateDocument,
    take: (input) => {
      const templates = new WireTemplateCache();
      // Twice: the second time with templates that are known.
      for (let i = 0; i < 2; i++) refusable(() => render(readWireDocument(asBytes(input), templates)));
    },
  },
  {
    name: 'wire-to-file',
    make: mutateDocument,
    take: (input) => {
      let fragment: Fragment | undefined;
      refusable(() => {
        fragment = readWireDocument(asBytes(input));
      });
      if (fragment !== undefined) takeIntoFile(fragment);
    },
  },
];
