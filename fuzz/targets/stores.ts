import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { renderXml } from '../../src/render/xml.ts';
import { changedConfig, defaultConfig } from '../../src/store/channel-config.ts';
import { configXml, parseConfigXml, propertyOfText } from '../../src/store/channel-config-text.ts';
import { ChannelLog } from '../../src/store/channel-log.ts';
import { configurationText, parseConfiguration } from '../../src/store/configuration.ts';
import { nodeDisk } from '../../src/store/disk.ts';
import { eventFromJson } from '../../src/store/event-json.ts';
import { StoreLock } from '../../src/store/lock.ts';
import { EventWriterForms } from '../../src/store/written-event.ts';
import { mutateLog, mutateText } from '../mutate.ts';
import { asText, refusable, type Target } from '../target.ts';
import { seedLogs } from './seed-logs.ts';

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

/** What a store reads and writes. */
export const STORE_TARGETS: readonly Target[] = [
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
