// npm run fuzz [-- --target NAME] [--seconds N] [--seed N] [--inputs N]: hostile input for every decoder, 20 seconds each by default.
import { parseArgs } from 'node:util';
import { runTool, setup } from './setup.mjs';

setup();
const option = { type: 'string' };
const { values } = parseArgs({ options: { target: option, seconds: option, seed: option, inputs: option } });
const env = { ...process.env };
for (const [name, value] of Object.entries(values)) env[`FUZZ_${name.toUpperCase()}`] = value;
process.exit(runTool('vitest/vitest.mjs', ['run', '--config', 'fuzz/vitest.config.ts'], { stdio: 'inherit', env }));
