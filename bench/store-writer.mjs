// Writes an event at a time to a store, each with the time it was handed over: somebody in another process follows.
//
//   node bench/store-writer.mjs STORE COUNT
import { EventLogSession } from '../dist/index.js';

const [store, count] = process.argv.slice(2);
const session = EventLogSession.open({ store });
for (let n = 0; n < Number(count); n++) {
  await new Promise((resolve) => setTimeout(resolve, 5 + ((n * 7) % 20)));
  const at = performance.timeOrigin + performance.now();
  await session.write('App', { provider: 'Bench', id: 1, data: { at: String(at) } });
}
session.close();
