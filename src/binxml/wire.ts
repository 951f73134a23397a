import { hexUpper } from '../bytes/hex.ts';
import { EvtError } from '../errors/evt-error.ts';
import { BinXmlError } from './error.ts';
import { BinXmlReader, type WireTemplates } from './reader.ts';
import { TemplateCache } from './template-cache.ts';
import type { Fragment, Template } from './tree.ts';
import { BinXmlWriter, BufferFull } from './writer.ts';

/** Binary XML in the dialect of the wire (MS-EVEN6 2.2.12): a document that needs nothing but itself. */

/** Largest document, in bytes (EVENT_SIZE). */
export const MAX_WIRE_DOCUMENT = 2_097_152;
const FIRST_BUFFER = 65_536;
/** Documents of a log are smaller than its chunks: one buffer of this thread does for all of them. */
let buffer = new Uint8Array(FIRST_BUFFER);

/**
 * A document that has been read from a log, or from the wire.
 * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) for what Binary XML cannot say, and for more than 2 MiB
 */
export function writeWireDocument(document: Fragment): Uint8Array {
  for (;;) {
    const writer = BinXmlWriter.forWire(buffer);
    try {
      writer.document(document);
      return buffer.slice(0, writer.at);
    } catch (error) {
      if (!(error instanceof BufferFull)) throw error;
      if (buffer.length >= MAX_WIRE_DOCUMENT) {
        throw new EvtError('ERROR_EVT_INVALID_EVENT_DATA', 'Binary XML writer', 'the event takes more than 2 MiB');
      }
      buffer = new Uint8Array(2 * buffer.length);
    }
  }
}

/** Templates that are kept, and their bytes; a log has some hundred, of some kilobytes each. */
const MAX_TEMPLATES = 4096;
const MAX_TEMPLATE_BYTES = 16 * 1024 * 1024;
/** Definitions that may have the same GUID: it is compared with each of them. */
const MAX_NAMESAKES = 16;
const GUID_SIZE = 16;

/** The definitions that a peer has sent, by their exact bytes. Whatever it sends, they stay within bounds. */
export class WireTemplateCache implements WireTemplates {
  readonly #byGuid = new Map<string, { readonly definition: Uint8Array; readonly template: Template }[]>();
  #count = 0;
  #bytes = 0;

  /** Bytes of the definitions that are kept. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  find(definition: Uint8Array): Template | undefined {
    const known = this.#byGuid.get(hexUpper(definition, 0, GUID_SIZE));
    return known?.find((one) => isEqual(one.definition, definition))?.template;
  }

  add(definition: Uint8Array, template: Template): void {
    const guid = hexUpper(definition, 0, GUID_SIZE);
    if ((this.#byGuid.get(guid)?.length ?? 0) >= MAX_NAMESAKES || definition.length > MAX_TEMPLATE_BYTES) return;
    if (this.#count >= MAX_TEMPLATES || this.#bytes + definition.length > MAX_TEMPLATE_BYTES) {
      this.#byGuid.clear();
      this.#count = 0;
      this.#bytes = 0;
    }
    this.#count++;
    this.#bytes += definition.length;
    const entry = { definition: definition.slice(), template };
    const known = this.#byGuid.get(guid);
    if (known === undefined) this.#byGuid.set(guid, [entry]);
    else known.push(entry);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Nothing of a log's chunk is shared between documents of the wire. */
const NO_CACHE = new TemplateCache();

/**
 * Reads a document.
 * @param templates definitions met before, which need not be read again
 * @throws BinXmlError ERROR_EVT_INVALID_EVENT_DATA (15005) with the offset of the damage
 */
export function readWireDocument(bytes: Uint8Array, templates: WireTemplates = new WireTemplateCache()): Fragment {
  if (bytes.length > MAX_WIRE_DOCUMENT) throw new BinXmlError(0, `a document of ${bytes.length} bytes`);
  return new BinXmlReader(bytes, NO_CACHE, templates).readDocument(0, bytes.length).fragment;
}
