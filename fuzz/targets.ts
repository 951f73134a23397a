import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { checkDocument } from '../src/binxml/check.ts';
import type { EventContent } from '../src/binxml/event-tree.ts';
import { BinXmlReader } from '../src/binxml/reader.ts';
import { resolveDocument } from '../src/binxml/resolve.ts';
import { TemplateCache } from '../src/binxml/template-cache.ts';
import type { Fragment } from '../src/binxml/tree.ts';
import { ValueType } from '../src/binxml/value-type.ts';
import { crc32 } from '../src/bytes/crc32.ts';
import { generateDemoLog } from '../src/demo/demo-log.ts';
import { EvtError } from '../src/errors/evt-error.ts';
import { Chunk } from '../src/evtx/chunk.ts';
import { ChunkWriter } from '../src/evtx/chunk-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../src/evtx/layout.ts';
import { DEFAULT_SESSION } from '../src/operations/handle-table.ts';
import { Operation } from '../src/operations/operation.ts';
import { runSync } from '../src/operations/task.ts';
import { createMatcher, lint, parseQuery } from '../src/query/index.ts';
import { renderJson } from '../src/render/json.ts';
import { systemValues } from '../src/render/system-values.ts';
import { bodyValues } from '../src/render/user-values.ts';
import { renderXml } from '../src/render/xml.ts';
import { LocalService } from '../src/service/local/local-service.ts';
import { changedConfig, defaultConfig } from '../src/store/channel-config.ts';
import { configXml, parseConfigXml, propertyOfText } from '../src/store/channel-config-text.ts';
import { ChannelLog } from '../src/store/channel-log.ts';
import { configurationText, parseConfiguration } from '../src/store/configuration.ts';
import { nodeDisk } from '../src/store/disk.ts';
import { eventFromJson } from '../src/store/event-json.ts';
import { StoreLock } from '../src/store/lock.ts';
import { EventWriterForms } from '../src/store/written-event.ts';
import { MemoryLog } from '../test/evtx/memory-log.ts';
import { sampleEvent, sampleLog } from '../test/evtx/sample-events.ts';
import { compareKernels, kernelQuery } from '../test/query/kernel-agreement.ts';
import { compareRenderers } from '../test/render/agreement.ts';
import { mutateLog, mutateText } from './mutate.ts';
import type { Random } from './random.ts';

/** A decoder under fire: makes an input, and takes it. Taking it may only fail with an EvtError. */
export interface Target {
  readonly name: string;
  make(random: Random): Uint8Array | string;
  take(input: Uint8Array | string): void;
}

const seedLogs = [sampleLog(12).log.bytes(), sampleLog(700).log.bytes(), demoLog()];
/** Templates as Windows' own providers have them. */
function demoLog(): Uint8Array {
  const log = new MemoryLog();
  generateDemoLog(log, { events: 120 });
  return log.bytes();
}

const XPATHS: readonly string[] = [
  '*',
  '*[System[(EventID=4624 or EventID=4625) and TimeCreated[timediff(@SystemTime) <= 86400000]]]',
  "*[EventData[Data[@Name='Count']>5 and Data[2]='x']] and *[System[band(Keywords,0x80000000000000)]]",
  "Event/System[EventID!=1][Level<=3]/Provider[@Name='a' or @Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}']",
];
/** What the kernel asks of slots, each operation at least once. */
const KERNEL_QUERIES = [
  ...XPATHS,
  '*[System[EventID!=4624 and Level<=3 and Version>=0] or EventData[Data>100]]',
  "*[System[EventID=1 or EventID=7 or EventID=4625] or EventData[Data='' or Data='true' or Data!='x']]",
  "*[System[Security[@UserID='S-1-5-18'] or Execution[@ProcessID=4]] or System/Provider/@Guid!='{54849625-5478-4994-a5ba-3e3b0328c30d}']",
  "*[System[TimeCreated[@SystemTime>='2024-01-01T00:00:00Z']] or EventData[Data=4.5 or Data<'-1']]",
  "*[System[EventRecordID>5 and EventRecordID<=18446744073709551615] and EventData/Data[@Name='LogonType']!=3]",
].map(kernelQuery);
const LISTS: readonly string[] = [
  '<QueryList><Query Id="0" Path="Security"><Select>*[System[EventID &gt;= 5]]</Select><Suppress>*[UserData]</Suppress></Query></QueryList>',
  '<?xml version="1.0"?><QueryList><Query><Select Path="file://a.evtx"><![CDATA[*[System[Level<=2]]]]></Select></Query></QueryList>',
];

const CONFIGURATIONS: readonly string[] = [
  '{"version":1,"channels":{"Application":{"maxSize":41943040,"keywords":"0xff"},"App/Operational":{"publisherList":["a","b"]}}}',
  '{"version":1,"note":[1,{"a":null}],"channels":{"A":{"enabled":false,"retention":true,"autoBackup":true,"access":"O:BAG:SY"}}}',
];
const CHANNEL_XML = configXml('App', defaultConfig('App'), '/logs/App.evtx');
const EVENTS: readonly string[] = [
  '{"provider":{"name":"P","guid":"{0f8fad5b-d9cb-469f-a165-70867728950e}"},"id":7,"data":{"a":1,"b":{"type":"UInt64","value":"5"},"c":["x"]},"keywords":"0x80"}',
  '{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#attributes":{"Qualifiers":1},"#text":5},"Level":4},"EventData":{"Data":["a","b"],"Binary":"00FF"}}}',
  '{"provider":"P","id":1,"timeCreated":"2026-01-31T12:00:00.1234567Z","userData":{"name":"U","attributes":{"a":"b"},"content":["t",{"name":"V"}]}}',
];

const forms = new EventWriterForms();

/** What JSON says is an event that can be stored and read, or is refused. */
function takeEventJson(text: string): void {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return;
  }
  refusable(() => {
    const { document, writtenTime } = forms.draft(eventFromJson(json), 'App');
    const writer = new ChunkWriter(1n);
    writer.add(document(1n), 1n, writtenTime);
    const chunk = new Chunk(writer.finish(), 0, HEADER_BLOCK_SIZE);
    for (const offset of chunk.liveRecords()) renderXml(resolveDocument(chunk.document(offset)));
  });
}

/** A log that others have damaged takes another event, which is there afterwards, or is refused. */
function takeAppend(bytes: Uint8Array): void {
  const folder = mkdtempSync(join(tmpdir(), 'winevt-fuzz-'));
  try {
    const file = join(folder, 'App.evtx');
    writeFileSync(file, bytes);
    refusable(() => {
      const log = new ChannelLog(file, nodeDisk, new StoreLock(join(folder, 'lock')));
      const draft = forms.draft({ provider: 'P', id: 9, data: { text: 'appended' } }, 'App');
      const limits = { maxSizeBytes: 4 * CHUNK_SIZE, mode: 'circular' } as const;
      const operation = () => new Operation('EvtWrite', DEFAULT_SESSION);
      const [result] = runSync(log.append([draft], limits, 'os', operation()));
      runSync(log.close(operation()));
      if (typeof result !== 'bigint') return;
      const found = readFileSync(file).includes(Buffer.from('appended', 'utf16le'));
      if (!found) throw new RangeError(`record ${result} was acknowledged, and is not in the log`);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Refusals are what hostile input is for. */
function refusable(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
  }
}

/** Values of this type are markup already, and go in as they are. */
function hasRawXml(nodes: readonly EventContent[]): boolean {
  const isRaw = (node: EventContent) => node.kind === 'value' && node.value.type === ValueType.EvtXml;
  return nodes.some(
    (node) =>
      isRaw(node) ||
      (node.kind === 'element' && (hasRawXml(node.children) || node.attributes.some(({ value }) => value.some(isRaw)))),
  );
}

/** Whatever a log says, an XML parser must be able to read what becomes of it. */
function expectWellFormed(xml: string): void {
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(`<Events>${xml}</Events>`).close();
}

function render(document: Fragment): void {
  refusable(() => checkDocument(document));
  refusable(() => {
    const roots = resolveDocument(document);
    if (!hasRawXml(roots)) expectWellFormed(renderXml(roots));
    JSON.parse(renderJson(roots));
    systemValues(roots[0]);
    bodyValues(roots[0]);
  });
}

const asBytes = (input: Uint8Array | string) => (typeof input === 'string' ? Buffer.from(input) : input);
const asText = (input: Uint8Array | string) => (typeof input === 'string' ? input : Buffer.from(input).toString());

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

function takeQuery(text: string): void {
  refusable(() => {
    const parsed = parseQuery(text, { strict: true });
    lint(parsed);
    const answers = (['compiled', 'plain'] as const).map((evaluator) => {
      const matcher = createMatcher(parsed, { isMine: () => true, evaluator });
      return [1n, 3n].map((id) => matcher.matches(sampleEvent(id), { now: 133_485_408_000_000_000n }));
    });
    if (String(answers[0]) !== String(answers[1])) throw new Error(`the evaluators disagree: ${answers.join(' / ')}`);
  });
  refusable(() => parseQuery(text, { tolerate: true }));
}

export const TARGETS: readonly Target[] = [
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
  {
    name: 'xpath',
    make: (random) => mutateText(random.pick(XPATHS), random),
    take: (input) => takeQuery(asText(input)),
  },
  {
    name: 'querylist',
    make: (random) => mutateText(random.pick(LISTS), random),
    take: (input) => takeQuery(asText(input)),
  },
  {
    name: 'configuration',
    make: (random) => mutateText(random.pick(CONFIGURATIONS), random),
    take: (input) => refusable(() => configurationText(parseConfiguration(asText(input), 'store', 'fuzz'))),
  },
  {
    name: 'channelxml',
    make: (random) => mutateText(CHANNEL_XML, random),
    take: (input) =>
      refusable(() => {
        for (const [property, text] of parseConfigXml(asText(input), 'fuzz').changes) {
          changedConfig(defaultConfig('App'), 'App', property, propertyOfText(property, text, 'fuzz'), 'fuzz');
        }
      }),
  },
  {
    name: 'eventjson',
    make: (random) => mutateText(random.pick(EVENTS), random),
    take: (input) => takeEventJson(asText(input)),
  },
  {
    name: 'append',
    make: (random) => mutateLog(random.pick(seedLogs), random),
    take: (input) => takeAppend(input as Uint8Array),
  },
];
