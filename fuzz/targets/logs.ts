import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinXmlReader } from '../../src/binxml/reader.ts';
import { TemplateCache } from '../../src/binxml/template-cache.ts';
import { crc32 } from '../../src/bytes/crc32.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { renderXml } from '../../src/render/xml.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import { compareKernels, kernelQuery } from '../../test/query/kernel-agreement.ts';
import { compareRenderers } from '../../test/render/agreement.ts';
import { mutateLog } from '../mutate.ts';
import { asBytes, refusable, type Target } from '../target.ts';
import { XPATHS } from './queries.ts';
import { render } from './render.ts';
import { seedLogs } from './seed-logs.ts';

/** What the kernel asks of slots, each operation at least once. */
const KERNEL_QUERIES = [
  ...XPATHS,
  '*[System[EventID!=4624 and Level<=3 and Version>=0] or EventData[Data>100]]',
  "*[System[EventID=1 or EventID=7 or EventID=4625] or EventData[Data='' or Data='true' or Data!='x']]",
  "*[System[Security[@UserID='S-1-5-18'] or Execution[@ProcessID=4]] or System/Provider/@Guid!='{54849625-5478-4994-a5ba-3e3b0328c30d}']",
  "*[System[TimeCreated[@SystemTime>='2024-01-01T00:00:00Z']] or EventData[Data=4.5 or Data<'-1']]",
  "*[System[EventRecordID>5 and EventRecordID<=18446744073709551615] and EventData/Data[@Name='LogonType']!=3]",
].map(kernelQuery);

function takeChunk(bytes: Uint8Array): void {
  const chunk = new Chunk(bytes, 0, HEADER_BLOCK_SIZE);
  chunk.checksums();
  for (const { chunkOffset } of chunk.walk({ recover: true, dirty: true, onDamage: () => {} })) {
    refusable(() => render(chunk.document(chunkOffset, () => {})));
    refusable(() => chunk.hiddenRecord(chunkOffset));
  }
}

function takeFile(bytes: Uint8Array): void {
  const folder = mkdtempSync(join(tmpdir(), 'winevt-fuzz-'));
  try {
    const path = join(folder, 'log.evtx');
    writeFileSync(path, bytes);
    for (const recover of [false, true]) {
      for (const direction of ['forward', 'reverse'] as const) refusable(() => readLog(path, direction, recover));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readLog(path: string, direction: 'forward' | 'reverse', recover: boolean): void {
  const operation = () => new Operation('fuzz', DEFAULT_SESSION);
  const request = {
    path,
    pathType: 'file',
    query: "*[System[EventID!=99] or EventData[Data='x']]",
    direction,
    tolerate: false,
    strict: false,
    recover,
    onDamage: () => {},
    onProgress: undefined,
  } as const;
  const set = runSync(new LocalService().query(request, operation()));
  try {
    for (;;) {
      const events = runSync(set.next(64, operation()));
      for (const event of events) refusable(() => renderXml(event.tree));
      if (events.length === 0) break;
    }
    const last = { origin: 'last', offset: 0, bookmark: undefined, strict: false } as const;
    runSync(set.seek(last, operation()));
    runSync(set.next(1, operation()));
  } finally {
    set.dispose();
  }
}

/** Logs and what is in them. */
export const LOG_TARGETS: readonly Target[] = [
  {
    name: 'file',
    make: (random) => mutateLog(random.pick(seedLogs), random),
    take: (input) => takeFile(asBytes(input)),
  },
  {
    name: 'chunk',
    make: (random) => mutateLog(random.pick(seedLogs), random).slice(HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + CHUNK_SIZE),
    take: (input) => takeChunk(asBytes(input)),
  },
  {
    name: 'compiled',
    make: (random) => mutateLog(random.pick(seedLogs), random).slice(HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + CHUNK_SIZE),
    take: (input) => {
      const { disagreements } = compareRenderers(asBytes(input), true);
      if (disagreements.length > 0) throw new Error(`the renderers disagree: ${disagreements[0]}`);
      const chunk = new Chunk(asBytes(input), 0, 0);
      const offsets = chunk.walk({ dirty: true, recover: true }).map(({ chunkOffset }) => chunkOffset);
      // One for each input, chosen by its bytes: a crafted event may take the plain evaluator long.
      const query = KERNEL_QUERIES[crc32(chunk.bytes) % KERNEL_QUERIES.length]!;
      const [difference] = compareKernels(query, chunk, offsets, 133_485_408_000_000_000n);
      if (difference !== undefined) throw new Error(`the evaluators disagree: ${difference}`);
    },
  },
  {
    name: 'binxml',
    make: (random) => mutateLog(seedLogs[0]!, random).slice(HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + CHUNK_SIZE),
    take: (input) => {
      const bytes = asBytes(input);
      // Every aligned place, not only where records are: references may lead anywhere.
      for (let at = 0x218; at < Math.min(bytes.length, 0x1000); at += 8) {
        refusable(() => render(new BinXmlReader(bytes, new TemplateCache()).readDocument(at, bytes.length).fragment));
      }
    },
  },
];
