// Writes so many events to a store through the library, one batch after the other, while others do the same.
//
//   node counted-writer.mjs STORE CHANNEL COUNT
import { EventLogSession } from '../../dist/index.js';

const [store, channel, count] = process.argv.slice(2);
const session = EventLogSession.open({ store });
const writer = session.openWriter(channel, { defaults: { provider: `Writer-${process.pid}` } });
const ids = [];
for (let n = 0; n < Number(count); ) {
  const batch = Array.from({ length: Math.min(1 + (n % 5), Number(count) - n) }, () => n++);
  ids.push(...(await Promise.all(batch.map((i) => writer.write({ id: 1, data: { n: i } })))));
}
await writer.close();
process.stdout.write(JSON.stringify(ids.map(Number)));
