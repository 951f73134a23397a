import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EventElement } from '../../src/binxml/event-tree.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { carriedTexts, descriptorOf, RENDERED_KINDS, renderedXml } from '../../src/providers/event-texts.ts';
import { MESSAGE_KINDS, type MessageKind, NO_EVENT } from '../../src/providers/metadata.ts';
import { defaultTexts } from '../../src/providers/winmeta.ts';
import { renderXml } from '../../src/render/xml.ts';
import { corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf } from '../documents.ts';

const rendered = corpusPath('windows-rendered/Application.xml');
const log = corpusPath('query-samples/Application.evtx');

function element(name: string, ...children: (EventElement | string)[]): EventElement {
  const content = children.map((child) => (typeof child === 'string' ? { kind: 'text' as const, text: child } : child));
  return { kind: 'element', name, attributes: [], children: content, empty: false, item: 0 };
}

/** What Windows has put into RenderingInfo, by what it is asked for with. */
function textsOf(info: string): Map<MessageKind, string[]> {
  const plain = (text: string) =>
    text
      .replaceAll('&#13;', '\r')
      .replaceAll('&#10;', '\n')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  const names = { event: 'Message', level: 'Level', task: 'Task', opcode: 'Opcode', channel: 'Channel' } as const;
  const texts = new Map<MessageKind, string[]>();
  const all = (name: string) =>
    [...info.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, text]) => plain(text!));
  for (const [kind, name] of Object.entries({ ...names, provider: 'Provider', keyword: 'Keyword' })) {
    const found = all(name);
    if (found.length > 0) texts.set(kind as MessageKind, found);
  }
  return texts;
}

describe.skipIf(!existsSync(rendered))(
  `the 366 events that Windows wrote with their texts (else: ${NO_CORPUS})`,
  () => {
    const windows = readFileSync(rendered, 'utf8')
      .split(/(?=<Event xmlns)/)
      .slice(1)
      .map((event) => event.replace(/<\/Events>\s*$/, ''))
      .reverse();
    const infos = windows.map((event) => /<RenderingInfo.*<\/RenderingInfo>/s.exec(event)![0]);
    const trees = recordsOf(log).map(({ document }) => resolveDocument(document!));

    it('are the same with the texts put in here, character for character', () => {
      const ours = trees.map((tree, i) => renderedXml(tree, textsOf(infos[i]!), 'en-US').replaceAll('\r\n', '\n'));
      expect(ours.length).toBe(366);
      // Characters that XML forbids are kept by Windows only.
      expect(ours).toEqual(windows.map((event) => event.replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, '\ufffd')));
    });

    it('have the levels, tasks, opcodes and keywords that need no publisher, where Windows wrote any', () => {
      let compared = 0;
      for (const [i, tree] of trees.entries()) {
        const event = descriptorOf(tree[0]);
        const texts = textsOf(infos[i]!);
        for (const kind of ['level', 'task', 'opcode', 'keyword'] as const) {
          const ours = defaultTexts({ kind, event, messageId: 0, values: [] });
          const theirs = texts.get(kind);
          if (ours === undefined || theirs === undefined) continue;
          expect(ours).toEqual(theirs);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(700);
    });
  },
);

describe('what identifies an event to its publisher', () => {
  it('is in System; what is missing is 0', () => {
    const system = element(
      'System',
      element('EventID', '4711'),
      element('Version', '3'),
      element('Level', '2'),
      element('Task', '12'),
      element('Opcode', '1'),
      element('Keywords', '0x8020000000000000'),
    );
    expect(descriptorOf(element('Event', system))).toEqual({
      id: 4711,
      version: 3,
      channel: 0,
      level: 2,
      task: 12,
      opcode: 1,
      keywords: 0x8020_0000_0000_0000n,
    });
    expect(descriptorOf(element('Event'))).toEqual(NO_EVENT);
    expect(descriptorOf(undefined)).toEqual(NO_EVENT);
  });
});

describe('the texts that a forwarded event carries', () => {
  const info = element(
    'RenderingInfo',
    element('Message', 'It ', 'happened.'),
    element('Level', 'Error'),
    element('Task'),
    element('Opcode', 'Info'),
    element('Publisher', 'Contoso'),
    element('Keywords', element('Keyword', 'Audit Failure'), element('Keyword', 'Money')),
  );
  const event = element('Event', element('System'), info);

  it('are found by what they are asked for with; empty ones are none', () => {
    const found = Object.fromEntries(MESSAGE_KINDS.map((kind) => [kind, carriedTexts(event, kind)]));
    expect(found).toEqual({
      event: ['It happened.'],
      level: ['Error'],
      task: undefined,
      opcode: ['Info'],
      channel: undefined,
      provider: ['Contoso'],
      keyword: ['Audit Failure', 'Money'],
      id: undefined,
    });
    for (const kind of MESSAGE_KINDS) expect(carriedTexts(element('Event'), kind)).toBeUndefined();
  });

  it('are not put in a second time', () => {
    const texts = new Map(RENDERED_KINDS.map((kind) => [kind, ['other']]));
    expect(renderedXml([event], texts, 'en-US')).toBe(renderXml([event]));
  });
});

describe('the texts that need no publisher', () => {
  it('of keywords go by the reserved bits', () => {
    const texts = (keywords: bigint) =>
      defaultTexts({ kind: 'keyword', event: { ...NO_EVENT, keywords }, messageId: 0, values: [] });
    expect(texts(0x8010_0000_0000_0000n)).toEqual(['Audit Failure']);
    expect(texts(0x8020_0000_0000_0000n)).toEqual(['Audit Success']);
    expect(texts(0x0080_0000_0000_0000n)).toEqual(['Classic']);
    expect(texts(0x0001_0000_0000_0000n)).toEqual(['Response Time']);
    expect(texts(0x8000_0000_0000_0001n)).toBeUndefined();
  });
});
