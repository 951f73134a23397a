import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { renderXml } from '../../src/render/xml.ts';
import { corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf } from '../documents.ts';

const rendered = corpusPath('windows-rendered/Application.xml');
const log = corpusPath('query-samples/Application.evtx');

test.skipIf(!existsSync(rendered))(
  `the 366 events that Windows itself wrote, character for character (else: ${NO_CORPUS})`,
  () => {
    // Saved newest first, with RenderingInfo; version control turned CR LF inside values into LF.
    const windows = readFileSync(rendered, 'utf8')
      .split(/(?=<Event xmlns)/)
      .slice(1)
      .map((event) => event.replace(/<RenderingInfo.*?<\/RenderingInfo>/s, '').replace(/<\/Events>\s*$/, ''))
      .reverse();
    const ours = recordsOf(log).map(({ document }) =>
      renderXml(resolveDocument(document!), { invalidCharacters: 'keep' }).replaceAll('\r\n', '\n'),
    );
    expect(windows.length).toBe(366);
    expect(ours).toEqual(windows);
  },
);
