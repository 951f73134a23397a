import { generateDemoLog } from '../../src/demo/demo-log.ts';
import { MemoryLog } from '../../test/evtx/memory-log.ts';
import { sampleLog } from '../../test/evtx/sample-events.ts';

/** Logs that others are made of. */
export const seedLogs: readonly Uint8Array[] = [sampleLog(12).log.bytes(), sampleLog(700).log.bytes(), demoLog()];

/** Templates as Windows' own providers have them. */
function demoLog(): Uint8Array {
  const log = new MemoryLog();
  generateDemoLog(log, { events: 120 });
  return log.bytes();
}
