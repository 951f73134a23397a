import { type EventLogSession, type EventRecord, EvtError, isCancelled, type ProviderMetadata } from '../index.ts';
import { keywordTexts, levelText, opcodeText } from '../providers/winmeta.ts';

/** Publishers that are kept open; events of more than so many in turn open theirs anew. */
const MAX_PUBLISHERS = 64;

/** What the publisher of an event calls its parts; undefined where it has no text, or nobody knows. */
export interface EventTexts {
  readonly description: string | undefined;
  readonly level: string | undefined;
  readonly task: string | undefined;
  readonly opcode: string | undefined;
  readonly keywords: readonly string[];
}

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

  /** @returns undefined where nothing is known of the event's publisher */
  async of(event: EventRecord): Promise<EventTexts | undefined> {
    // One that is damaged inside is told of where it is printed.
    return orNone(() => this.#of(event));
  }

  async #of(event: EventRecord): Promise<EventTexts | undefined> {
    const { providerName, level = 0, task = 0, opcode = 0, keywords = 0n } = event;
    const publisher = providerName === undefined ? undefined : await this.#publisher(providerName);
    if (publisher === undefined) return undefined;
    const ofValue = (items: readonly (Named & { readonly value: number })[], value: number) =>
      this.#text(items.find((item) => item.value === value));
    const opcodes = publisher.opcodes.filter((item) => item.task === task || item.task === 0);
    const own = publisher.keywords.filter(({ value }) => (value & keywords) !== 0n);
    const ownTexts: string[] = [];
    for (const keyword of own) ownTexts.push((await this.#text(keyword)) ?? keyword.name);
    return {
      description: await orNone(() => publisher.formatDescription(event)),
      level: levelText(level) ?? (await ofValue(publisher.levels, level)),
      task: task === 0 ? undefined : await ofValue(publisher.tasks, task),
      opcode:
        opcodeText(opcode) ??
        (await ofValue(
          opcodes.toSorted((a, b) => b.task - a.task),
          opcode,
        )),
      keywords: [...new Set([...keywordTexts(keywords), ...ownTexts])],
    };
  }

  /** A publisher that cannot be asked is as good as one that has nothing to say. */
  async #publisher(name: string): Promise<ProviderMetadata | undefined> {
    if (this.#publishers.has(name)) return this.#publishers.get(name);
    if (this.#publishers.size >= MAX_PUBLISHERS) {
      const [oldest] = this.#publishers.keys();
      this.#publishers.get(oldest!)?.close();
      this.#publishers.delete(oldest!);
    }
    const opened = await orNone(() => this.#session.getProviderMetadata(name));
    this.#publishers.set(name, opened);
    return opened;
  }

  async #text(item: Named | undefined): Promise<string | undefined> {
    if (item === undefined) return undefined;
    let text = this.#known.get(item);
    if (text === undefined) {
      text = (await orNone(() => item.getDisplayName())) ?? item.name;
      this.#known.set(item, text);
    }
    return text;
  }
}

/** Texts are an addition: an event is printed without those that fail to come. */
async function orNone<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof EvtError) || isCancelled(error)) throw error;
    return undefined;
  }
}
