import { type EventLogSession, type EventRecord, EvtError, isCancelled, type ProviderMetadata } from '../index.ts';
import { descriptorOf } from '../providers/event-texts.ts';
import type { MessageKind } from '../providers/metadata.ts';
import { defaultTexts } from '../providers/winmeta.ts';

/** Publishers that are kept open; events of more than so many in turn open theirs anew. */
const MAX_PUBLISHERS = 64;

/** What the publisher of an event, or every machine, calls its parts. What has no text is missing. */
export type EventTexts = ReadonlyMap<MessageKind, readonly string[]>;

type Named = { readonly name: string; getDisplayName(): Promise<string | undefined> };

/** The texts of events of another computer, by the publishers there. Each is opened once. */
export class EventTextSource {
  readonly #session: EventLogSession;
  readonly #publishers = new Map<string, ProviderMetadata | undefined>();
  /** Texts that were asked for already. */
  readonly #known = new WeakMap<Named, string>();

  constructor(session: EventLogSession) {
    this.#session = session;
  }

  /** Texts are an addition: where its publisher is not known, or fails, those that every machine has. */
  async of(event: EventRecord): Promise<EventTexts> {
    try {
      return await this.#of(event).catch((error: unknown) => this.#again(event, error));
    } catch (error) {
      if (!(error instanceof EvtError) || isCancelled(error)) throw error;
      // An event that is damaged inside is told of where it is printed.
      return new Map();
    }
  }

  /** With its connection, a publisher is gone: it is opened anew. */
  async #again(event: EventRecord, error: unknown): Promise<EventTexts> {
    if (!(error instanceof EvtError) || error.symbol !== 'ERROR_INVALID_HANDLE') throw error;
    this.#forget(event.providerName ?? '');
    return this.#of(event);
  }

  #forget(name: string): void {
    this.#publishers.get(name)?.close();
    this.#publishers.delete(name);
  }

  async #of(event: EventRecord): Promise<EventTexts> {
    const texts = new Map<MessageKind, readonly string[]>();
    const descriptor = descriptorOf(event.tree[0]);
    for (const kind of ['level', 'task', 'opcode', 'keyword'] as const) {
      const known = defaultTexts({ kind, event: descriptor, messageId: 0, values: [] });
      if (known !== undefined) texts.set(kind, known);
    }
    const { providerName, logName } = event;
    const publisher = providerName === undefined ? undefined : await this.#publisher(providerName);
    if (publisher === undefined) return texts;
    const { level, task, opcode, keywords } = descriptor;
    const add = async (kind: MessageKind, item: Named | undefined) => {
      const text = texts.has(kind) ? undefined : await this.#text(item);
      if (text !== undefined) texts.set(kind, [text]);
    };
    const opcodes = publisher.opcodes.filter(({ value }) => value === opcode);
    await add(
      'level',
      publisher.levels.find(({ value }) => value === level),
    );
    await add(
      'task',
      publisher.tasks.find(({ value }) => value === task),
    );
    await add('opcode', opcodes.find((item) => item.task === task) ?? opcodes.find((item) => item.task === 0));
    await add(
      'channel',
      publisher.logLinks.find((link) => link.logName === logName),
    );
    const ofKeywords = new Set(texts.get('keyword'));
    for (const keyword of publisher.keywords) {
      const text = (keyword.value & keywords) === 0n ? undefined : await this.#text(keyword);
      if (text !== undefined) ofKeywords.add(text);
    }
    if (ofKeywords.size > 0) texts.set('keyword', [...ofKeywords]);
    const name = await this.#text(publisher);
    if (name !== undefined) texts.set('provider', [name]);
    const description = await publisher.formatDescription(event);
    if (description !== undefined) texts.set('event', [description]);
    return texts;
  }

  /** A publisher that cannot be asked is as good as one that has nothing to say. */
  async #publisher(name: string): Promise<ProviderMetadata | undefined> {
    if (this.#publishers.has(name)) return this.#publishers.get(name);
    if (this.#publishers.size >= MAX_PUBLISHERS) {
      const [oldest] = this.#publishers.keys();
      this.#forget(oldest!);
    }
    const opened = await this.#session.getProviderMetadata(name).catch((error: unknown) => {
      if (!(error instanceof EvtError) || isCancelled(error)) throw error;
      return undefined;
    });
    this.#publishers.set(name, opened);
    return opened;
  }

  async #text(item: Named | undefined): Promise<string | undefined> {
    if (item === undefined) return undefined;
    let text = this.#known.get(item);
    if (text === undefined) {
      text = (await item.getDisplayName()) ?? item.name;
      this.#known.set(item, text);
    }
    return text;
  }
}
