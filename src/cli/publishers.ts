import type { EventMetadata, ProviderMetadata } from '../index.ts';
import { escapeAttribute } from '../render/escape.ts';
import { UsageError } from './failure.ts';
import { printableLine, printableLines } from './format/printable.ts';
import type { SessionFlags } from './open-session.ts';
import { withSession } from './with-session.ts';

const FORMATS = ['text', 'xml', 'json'] as const;
type Format = (typeof FORMATS)[number];
const NAMESPACE = 'http://schemas.microsoft.com/win/2004/08/events';
const NO_GUID = '00000000-0000-0000-0000-000000000000';

/** `winevt ep`: names of the publishers, one per line. */
export async function enumPublishers(options: SessionFlags): Promise<number> {
  return withSession(options, async (session) => {
    for (const name of await session.getProviderNames()) process.stdout.write(`${printableLine(name)}\n`);
  });
}

export interface GetPublisherOptions extends SessionFlags {
  readonly getevents?: boolean;
  readonly getmessage?: boolean;
  readonly format?: string;
}

/** `winevt gp`: what a publisher says of itself, and, asked for, of its events. */
export async function getPublisher(name: string, options: GetPublisherOptions): Promise<number> {
  const format = (options.format ?? 'text').toLowerCase() as Format;
  if (!FORMATS.includes(format)) throw new UsageError(`/f: "${options.format}" is none of ${FORMATS.join(', ')}`);
  return withSession(options, async (session) => {
    await using provider = await session.getProviderMetadata(name);
    const report = await reportOf(provider, options);
    const print = { text: reportText, xml: reportXml, json: reportJson }[format];
    process.stdout.write(print(report));
  });
}

/** A line of wevtutil's. `isPart`: of the line before, and shown below it. */
interface Field {
  readonly name: string;
  readonly value: string | number;
  readonly isPart?: boolean;
}

/** wevtutil's lines, and its lists of them. */
interface Report {
  readonly fields: readonly Field[];
  readonly lists: readonly { readonly name: string; readonly item: string; readonly items: readonly Field[][] }[];
}

async function reportOf(provider: ProviderMetadata, options: GetPublisherOptions): Promise<Report> {
  const { getevents, getmessage } = options;
  const { properties } = provider;
  /** The text, or the number that it is found by. */
  const message = async (
    described: { readonly messageId: number | undefined },
    text: () => Promise<string | undefined>,
  ): Promise<Field> => ({
    name: 'message',
    value: (getmessage ? await text() : described.messageId) ?? '',
  });
  const file = (name: string, value: string | undefined): Field[] => (value === undefined ? [] : [{ name, value }]);
  const items = async <T>(list: readonly T[], fields: (item: T) => Promise<Field[]>) => {
    const all: Field[][] = [];
    // One after the other: each text is a question to the other machine.
    for (const item of list) all.push(await fields(item));
    return all;
  };
  const named = (item: {
    readonly name: string;
    readonly messageId: number | undefined;
    getDisplayName(): Promise<string | undefined>;
  }) => message(item, () => item.getDisplayName());
  const lists = [
    {
      name: 'channels',
      item: 'channel',
      items: await items(provider.logLinks, async (link) => [
        { name: 'name', value: link.logName },
        { name: 'id', value: link.id },
        { name: 'flags', value: Number(link.isImported) },
        await named(link),
      ]),
    },
    {
      name: 'levels',
      item: 'level',
      items: await items(provider.levels, async (level) => [
        { name: 'name', value: level.name },
        { name: 'value', value: level.value },
        await named(level),
      ]),
    },
    {
      name: 'opcodes',
      item: 'opcode',
      items: await items(provider.opcodes, async (opcode) => [
        { name: 'name', value: opcode.name },
        { name: 'value', value: opcode.value * 0x1_0000 + opcode.task },
        { name: 'task', value: opcode.task, isPart: true },
        { name: 'opcode', value: opcode.value, isPart: true },
        await named(opcode),
      ]),
    },
    {
      name: 'tasks',
      item: 'task',
      items: await items(provider.tasks, async (task) => [
        { name: 'name', value: task.name },
        { name: 'value', value: task.value },
        { name: 'eventGUID', value: plainGuid(task.eventGuid) },
        await named(task),
      ]),
    },
    {
      name: 'keywords',
      item: 'keyword',
      items: await items(provider.keywords, async (keyword) => [
        { name: 'name', value: keyword.name },
        { name: 'mask', value: keyword.value.toString(16) },
        await named(keyword),
      ]),
    },
  ];
  const eventFields = async (event: EventMetadata): Promise<Field[]> => {
    const { version, opcode, channel, level, task, keywords } = event.properties;
    return [
      { name: 'value', value: event.id },
      { name: 'version', value: version },
      { name: 'opcode', value: opcode },
      { name: 'channel', value: channel },
      { name: 'level', value: level },
      { name: 'task', value: task },
      { name: 'keywords', value: `0x${keywords.toString(16)}` },
      await message(event, () => event.getDescription()),
    ];
  };
  if (getevents) {
    lists.push({ name: 'events', item: 'event', items: await items(await provider.getEvents(), eventFields) });
  }
  return {
    fields: [
      { name: 'name', value: provider.name },
      { name: 'guid', value: plainGuid(provider.id) },
      { name: 'helpLink', value: provider.helpLink ?? '' },
      ...file('resourceFileName', provider.resourceFilePath),
      ...file('parameterFileName', provider.parameterFilePath),
      ...file('messageFileName', provider.messageFilePath),
      await message(properties, () => provider.getDisplayName()),
    ],
    lists,
  };
}

function plainGuid(guid: string | undefined): string {
  return guid?.replaceAll(/[{}]/g, '') ?? NO_GUID;
}

function reportText({ fields, lists }: Report): string {
  const line = ({ name, value, isPart }: Field, indent: string) =>
    `${indent}${isPart ? '  ' : ''}${name}: ${typeof value === 'number' ? value : printableLines(value)}\n`;
  let text = fields.map((field) => line(field, '')).join('');
  for (const { name, item, items } of lists) {
    text += `${name}:\n`;
    for (const each of items) text += `  ${item}:\n${each.map((field) => line(field, '    ')).join('')}`;
  }
  return text;
}

function reportXml({ fields, lists }: Report): string {
  const attributes = (all: readonly Field[]) =>
    all.map(({ name, value }) => ` ${name}='${escapeAttribute(String(value), 'replace')}'`).join('');
  let xml = `<provider${attributes(fields)} xmlns='${NAMESPACE}'>\n`;
  for (const { name, item, items } of lists) {
    const inner = items.map((each) => `    <${item}${attributes(each)}/>\n`).join('');
    xml += `  <${name}>\n${inner}  </${name}>\n`;
  }
  return `${xml}</provider>\n`;
}

function reportJson({ fields, lists }: Report): string {
  const object = (all: readonly Field[]) => all.map(({ name, value }) => [name, value] as const);
  const entries = lists.map(
    ({ name, items }) => [name, items.map((each) => Object.fromEntries(object(each)))] as const,
  );
  return `${JSON.stringify(Object.fromEntries([...object(fields), ...entries]))}\n`;
}
