// One of the npm parsers as a command: all of a log to stdout.
//
//   node bench/peers/command.mjs ts-evtx|winevtx xml|json LOG
import { writeSync } from 'node:fs';

const [name, format, path] = process.argv.slice(2);
const { renderLog } = await import(`./${name}.mjs`);
let waiting = [];
let size = 0;
function flush() {
  const bytes = Buffer.concat(waiting);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  waiting = [];
  size = 0;
}
await renderLog(path, format, (bytes) => {
  waiting.push(bytes);
  size += bytes.length;
  if (size >= 65_536) flush();
});
flush();
