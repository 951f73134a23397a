// The names that each door of the built package exports, as JSON; `--update` writes them where a test pins them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

const updating = process.argv.includes('--update');
// A test that asks must not build: others are using dist/ at that time.
if (updating) setup();

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const doors = {};
for (const door of Object.keys(manifest.exports)) {
  if (door === './package.json') continue;
  const name = join(manifest.name, door).replaceAll('\\', '/');
  // A package may import itself by its name: through "exports", as its users do.
  doors[name] = Object.keys(await import(name)).sort();
}
const text = `${JSON.stringify(doors, null, 2)}\n`;
if (updating) writeFileSync(join(root, 'test', 'house', 'doors.json'), text);
else process.stdout.write(text);
