import { resolveDocument, valueAt, valueType } from '../../binxml/resolve.ts';
import type { ElementNode, Fragment, Template } from '../../binxml/tree.ts';
import { valueText } from '../../binxml/value.ts';
import { ValueType } from '../../binxml/value-type.ts';
import { EvtError } from '../../errors/evt-error.ts';
import type { RecordCursor } from '../../evtx/record-cursor.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import { systemValue } from '../../render/system-values.ts';
import { statFile } from './files.ts';
import { LogFile } from './log-file.ts';
import { LogWalker } from './log-walker.ts';

/** Names that one log may give: as many as the protocol hands out of all publishers. */
const MAX_NAMES = 8192;
const SLOTS_PER_READ = 8;

/**
 * The publishers that the events of a log name. A log is read through once, and again only when it has changed; most of its
 * templates have the name in them, and then no record of theirs is looked at closely.
 */
export class MetPublishers {
  readonly #known = new Map<string, { readonly state: string; readonly names: readonly string[] }>();

  /** @param file a log; one that is not there, or no log, has met nobody */
  *in(file: string, operation: Operation): Task<readonly string[]> {
    const { api } = operation;
    try {
      const { ino, size, mtimeNs } = yield* statFile(file, api);
      const state = `${ino} ${size} ${mtimeNs}`;
      const known = this.#known.get(file);
      if (known?.state === state) return known.names;
      const names = yield* namesIn(file, operation);
      this.#known.set(file, { state, names });
      return names;
    } catch (error) {
      operation.checkpoint();
      if (!(error instanceof EvtError)) throw error;
      return [];
    }
  }
}

function* namesIn(file: string, operation: Operation): Task<readonly string[]> {
  const log = yield* LogFile.open(file, operation, { name: file, recover: false, onDamage: undefined });
  try {
    const walker = new LogWalker(log, { slotsPerRead: SLOTS_PER_READ, recover: false });
    const names = new Set<string>();
    const look = (record: RecordCursor): boolean => {
      const name = providerName(record);
      if (name !== undefined && name !== '' && names.size < MAX_NAMES) names.add(name);
      return false;
    };
    // Every record is looked at: none of them is wanted.
    yield* walker.find(walker.start, 1, { matches: look, select: () => undefined }, operation);
    return [...names];
  } finally {
    log.close();
  }
}

/** Where a template has the name: as text of its own, or in a slot; undefined: one has to look at the event. */
type NamePlace = { readonly text: string } | { readonly slot: number } | undefined;

const places = new WeakMap<Template, { readonly place: NamePlace }>();

/** @throws BinXmlError when the record is damaged */
function providerName(record: RecordCursor): string | undefined {
  if (record.isInstance) {
    const { instance } = record;
    let known = places.get(instance.template);
    if (known === undefined) {
      known = { place: namePlace(instance.template.root) };
      places.set(instance.template, known);
    }
    const { place } = known;
    if (place !== undefined && 'text' in place) return place.text;
    if (place !== undefined && place.slot < instance.count && valueType(instance, place.slot) === ValueType.String) {
      return valueText(valueAt(instance, place.slot));
    }
  }
  const { value } = systemValue(resolveDocument(record.document)[0], 'ProviderName');
  return typeof value === 'string' ? value : undefined;
}

function namePlace(root: Fragment): NamePlace {
  const provider = child(child(child(root, 'Event')?.content, 'System')?.content, 'Provider');
  const name = provider?.attributes.find((attribute) => attribute.name === 'Name')?.value;
  if (name === undefined || name.length === 0) return undefined;
  const [only] = name;
  const slot = name.length === 1 && only!.kind === 'substitution' ? only : undefined;
  if (slot !== undefined) return { slot: slot.index };
  let text = '';
  for (const part of name) {
    if (part.kind !== 'text') return undefined;
    text += part.text;
  }
  return { text };
}

function child(content: Fragment | undefined, name: string): ElementNode | undefined {
  return content?.find((node): node is ElementNode => node.kind === 'element' && node.name === name);
}
