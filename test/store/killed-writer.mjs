// A writer that is going to be killed. It says what it has acknowledged, line by line, before it goes on.
//
//   node killed-writer.mjs FOLDER MODE FIRST     MODE: circular, autoBackup or clear; FIRST: number of its first event
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SESSION } from '../../dist/operations/handle-table.js';
import { Operation } from '../../dist/operations/operation.js';
import { runSync } from '../../dist/operations/task.js';
import { ChannelLog } from '../../dist/store/channel-log.js';
import { clearLog } from '../../dist/store/clear-log.js';
import { nodeDisk } from '../../dist/store/disk.js';
import { StoreLock } from '../../dist/store/lock.js';
import { EventWriterForms } from '../../dist/store/written-event.js';

const [folder, mode, first] = process.argv.slice(2);
// What is to be cleared must not have been overwritten before.
const limits = mode === 'clear' ? { maxSizeBytes: 64 * 65_536, mode: 'retain' } : { maxSizeBytes: 4 * 65_536, mode };
const forms = new EventWriterForms();
const log = new ChannelLog(join(folder, 'App.evtx'), nodeDisk, new StoreLock(join(folder, '.locks', 'App')));
const operation = () => new Operation('EvtWrite', DEFAULT_SESSION);
const say = (line) => writeSync(1, `${line}\n`);

say('ready');
let n = Number(first);
for (let round = 0; ; round++) {
  const count = 1 + ((round * 7) % 23);
  const drafts = Array.from({ length: count }, (_, i) => {
    const data = { n: n + i, text: 'x'.repeat(((round + i) * 131) % 3000) };
    return forms.draft({ provider: 'Winevt-Test', id: 1 + (i % 5), data, computer: 'host' }, 'App');
  });
  const ids = runSync(log.append(drafts, limits, round % 10 === 0 ? 'disk' : 'os', operation()));
  say(ids.map((id, i) => `${id}:${n + i}`).join(' '));
  n += count;
  if (mode === 'clear' && round % 6 === 5) {
    runSync(clearLog(log, join(folder, `backup-${n}.evtx`), undefined, operation(), nodeDisk));
  }
}
