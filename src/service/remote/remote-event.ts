import type { EventElement } from '../../binxml/event-tree.ts';
import { resolveDocument } from '../../binxml/resolve.ts';
import type { Fragment } from '../../binxml/tree.ts';
import { readWireDocument, WireTemplateCache } from '../../binxml/wire.ts';
import { EvtError } from '../../errors/evt-error.ts';
import { readResultRecord, recordsOf } from '../../even6/record.ts';
import type { RecordBatch } from '../../even6/stubs/operations.ts';
import { renderJson } from '../../render/json.ts';
import { eventTime } from '../../render/system-values.ts';
import { renderXml } from '../../render/xml.ts';
import type { EventPosition, LineFormat, LogEvent } from '../service.ts';

/** Servers define a template in every event that uses it: of this thread, each is read once. */
const templates = new WireTemplateCache();

/** An event that a server has sent. */
export class RemoteEvent implements LogEvent {
  readonly recordId: bigint;
  readonly path: string;
  readonly queryIds: readonly number[];
  readonly recovered = false;
  readonly position: EventPosition;
  readonly #binXml: Uint8Array;
  #document: Fragment | undefined;
  #tree: readonly EventElement[] | undefined;

  /** @param names the logs of the query, as the server has told them */
  constructor(bytes: Uint8Array, names: readonly string[], api: string) {
    const { binXml, subqueryIds, recordIds, currentChannel, reverse } = readResultRecord(bytes);
    if (recordIds.length > 0 && currentChannel >= recordIds.length) {
      throw new EvtError('ERROR_EVT_INVALID_EVENT_DATA', api, 'a record is of none of its channels');
    }
    this.#binXml = binXml;
    this.recordId = recordIds[currentChannel] ?? 0n;
    this.path = names[currentChannel] ?? '';
    this.queryIds = subqueryIds;
    this.position = {
      names,
      recordIds: names.map((_, i) => (recordIds[i] === 0n ? undefined : recordIds[i])),
      current: currentChannel,
      direction: reverse ? 'reverse' : 'forward',
    };
  }

  get document(): Fragment {
    this.#document ??= readWireDocument(this.#binXml, templates);
    return this.#document;
  }

  get tree(): readonly EventElement[] {
    this.#tree ??= resolveDocument(this.document);
    return this.#tree;
  }

  /** The protocol does not tell when a record was written: it is the event's own time. */
  get writtenTime(): bigint {
    return eventTime(this.tree[0], 0n);
  }

  text(format: LineFormat): string {
    return format === 'xml' ? renderXml(this.tree) : renderJson(this.tree);
  }
}

/** The events of an answer. @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) */
export function eventsOf({ offsets, sizes, bytes }: RecordBatch, names: readonly string[], api: string): RemoteEvent[] {
  return recordsOf(bytes, offsets, sizes).map((record) => new RemoteEvent(record, names, api));
}
