import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BinXmlError } from '../../src/binxml/error.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { runSync } from '../../src/operations/task.ts';
import { systemValue } from '../../src/render/system-values.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import { MetPublishers } from '../../src/service/local/met-publishers.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { Store } from '../../src/store/store.ts';
import { corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf } from '../documents.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';

describe.skipIf(corpusLogs().length === 0)(`publishers met in real logs (else: ${NO_CORPUS})`, () => {
  it('are those that the events name, one by one', () => {
    const met = new MetPublishers();
    let names = 0;
    for (const path of corpusLogs()) {
      const expected = new Set<unknown>();
      // Of an event that cannot be given out, the name may be whole all the same.
      let damaged = 0;
      for (const { document } of recordsOf(corpusPath(path))) {
        try {
          const { value } = systemValue(resolveDocument(document ?? [])[0], 'ProviderName');
          if (typeof value === 'string' && value !== '') expected.add(value);
        } catch (error) {
          if (!(error instanceof BinXmlError)) throw error;
          damaged++;
        }
      }
      const found = new Set<unknown>(runSync(met.in(corpusPath(path), plainOperation())));
      if (damaged > 0) expect([...found], path).toEqual(expect.arrayContaining([...expected]));
      else expect(found, path).toEqual(expected);
      names += expected.size;
    }
    expect(names).toBeGreaterThan(100);
  });
});

describe('publishers of a folder of logs', () => {
  it('are none where a channel has no log, an empty one, or a file that is none', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'Broken.evtx'), 'no log at all');
    writeFileSync(join(folder, 'Empty.evtx'), '');
    expect(runSync(new LocalService(folder).publishers(plainOperation()))).toEqual([]);
    expect(runSync(new LocalService().publishers(plainOperation()))).toEqual([]);
    expect(() => runSync(new LocalService(join(folder, 'not')).publishers(plainOperation()))).toThrow('(2)');
  });

  it('are those that a configuration names as well, and each only once, whatever its case', async () => {
    const store = join(temporaryFolder(), 'store');
    const session = EventLogSession.open({ store });
    await session.write('App', { provider: 'CONTOSO', id: 1 });
    const file = join(store, 'winevt-store.json');
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        channels: {
          App: { owningPublisher: 'Contoso', publisherList: ['Fabrikam'] },
          Bare: { publisherList: ['Adatum'] },
        },
      }),
    );
    expect(await session.getProviderNames()).toEqual(['Adatum', 'Contoso', 'Fabrikam']);
    const service = new LocalService(store);
    expect(runSync(service.publishersOfChannel('app', plainOperation()))).toEqual(['Contoso', 'Fabrikam']);
    session.close();
  });

  it('are looked for in the channels as each of them is found by itself', () => {
    const folder = temporaryFolder();
    writeSampleLog(folder, 'One%4Operational.evtx', 1);
    writeSampleLog(folder, 'two.EVTX', 1);
    writeFileSync(join(folder, 'winevt-store.json'), '{"version":1,"channels":{"Three":{"maxSize":2097152}}}');
    const { configuration } = new Store(folder);
    const channels = configuration.channels('test');
    expect(channels.map(({ name }) => name)).toEqual(['One/Operational', 'Three', 'two']);
    expect(channels).toEqual(channels.map(({ name }) => configuration.channel(name, 'test')));
  });

  it('are looked for again when a log has changed', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'one.evtx', 3);
    const met = new MetPublishers();
    const names = () => runSync(met.in(log, plainOperation()));
    const first = names();
    expect(first.length).toBeGreaterThan(0);
    expect(names()).toBe(first);
    appendFileSync(log, '');
    const store = join(temporaryFolder(), 'store');
    const session = EventLogSession.open({ store });
    await session.write('App', { provider: 'Other', id: 1 });
    session.close();
    copyFileSync(join(store, 'App.evtx'), log);
    expect(names()).toEqual(['Other']);
  });

  it('can be cancelled at every step, and are the same afterwards', () => {
    const folder = join(temporaryFolder(), 'logs');
    mkdirSync(folder);
    writeSampleLog(folder, 'one.evtx', 300);
    writeSampleLog(folder, 'two.evtx', 5);
    const expected = runSync(new LocalService(folder).publishers(plainOperation()));
    const service = new LocalService(folder);
    let cancelled = 0;
    for (let step = 1; ; step++) {
      const operation = new CancelledAt('test', anyHandle(), step);
      try {
        expect(runSync(service.publishers(operation))).toEqual(expected);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 1223 });
        cancelled++;
      }
    }
    expect(cancelled).toBeGreaterThan(10);
  });
});
