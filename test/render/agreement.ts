import { checkDocument } from '../../src/binxml/check.ts';
import { BinXmlError } from '../../src/binxml/error.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { type CompiledFormat, CompiledRenderer } from '../../src/render/compiled.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderXml } from '../../src/render/xml.ts';
import { timeOfRecord } from '../../src/service/local/local-event.ts';
import { KERNELS } from '../kernels.ts';

export const FORMATS: readonly CompiledFormat[] = ['xml', 'json'];
/** The programs in WebAssembly and in JavaScript: whatever one says the other must. */
export const RENDERERS: readonly CompiledRenderer[] = KERNELS.map((kernel) => new CompiledRenderer(kernel));

/** The event by the plain renderers, a line of UTF-8; or why there is none. */
function plainLine(chunk: Chunk, chunkOffset: number, format: CompiledFormat): string {
  try {
    const document = chunk.document(chunkOffset);
    checkDocument(document);
    const tree = resolveDocument(document);
    const line = format === 'xml' ? renderXml(tree) : renderJson(tree);
    // As UTF-8 has it: an unpaired surrogate does not survive.
    return Buffer.from(`${line}\n`).toString();
  } catch (error) {
    if (error instanceof BinXmlError) return `damaged: ${error.message}`;
    throw error;
  }
}

function compiledLine(renderer: CompiledRenderer, chunk: Chunk, chunkOffset: number, format: CompiledFormat): string {
  let damaged: BinXmlError | undefined;
  renderer.clear();
  const reached = renderer.lines(chunk, [chunkOffset], 0, 1, format, (_, error) => (damaged = error));
  if (damaged !== undefined) return `damaged: ${damaged.message}`;
  if (reached === 1) {
    const time = renderer.timeOf(0);
    if (time !== undefined && time !== timeOfRecord(chunk, chunkOffset)) return `the time is ${time}`;
    if (renderer.endOf(0) !== renderer.outputSize) return `the line ends at ${renderer.endOf(0)}`;
    return Buffer.from(renderer.output).toString();
  }
  return Buffer.from(renderer.large(chunk, chunkOffset, format)).toString();
}

export interface Agreement {
  /** Records that were compared. */
  readonly records: number;
  /** Of those, damaged ones. */
  readonly damaged: number;
  /** Where a compiled renderer gave other bytes than the plain one. */
  readonly disagreements: string[];
}

/** Renders every record of a chunk three times per format. Each renderer has a reader of its own: none may depend on another's. */
export function compareRenderers(bytes: Uint8Array, recover = false): Agreement {
  const disagreements: string[] = [];
  let records = 0;
  let damaged = 0;
  for (const format of FORMATS) {
    const chunks = [undefined, ...RENDERERS].map(() => new Chunk(bytes, 0, 0));
    for (const { chunkOffset } of chunks[0]!.walk({ dirty: true, recover })) {
      records++;
      const expected = plainLine(chunks[0]!, chunkOffset, format);
      if (expected.startsWith('damaged')) damaged++;
      for (const [i, renderer] of RENDERERS.entries()) {
        const actual = compiledLine(renderer, chunks[i + 1]!, chunkOffset, format);
        if (actual !== expected) {
          disagreements.push(
            `${renderer.executor}, ${format}, record at ${chunkOffset}: ${difference(expected, actual)}`,
          );
        }
      }
    }
  }
  return { records, damaged, disagreements };
}

function difference(expected: string, actual: string): string {
  let at = 0;
  while (expected[at] === actual[at]) at++;
  const part = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 40), at + 40));
  return `${part(expected)} became ${part(actual)}`;
}
