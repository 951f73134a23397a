import { SaxesParser } from 'saxes';
import { EvtError } from '../errors/evt-error.ts';
import type { EventPosition } from './service.ts';

/** A bookmark that stands nowhere yet. */
export const EMPTY_POSITION: EventPosition = { names: [], recordIds: [], current: -1, direction: 'forward' };

/** Longest bookmark that is read, in UTF-16 units: the protocol's limit (MS-EVEN6). */
const MAX_UNITS = 1_048_576;
const RECORD_ID = /^\d{1,20}$/;

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll("'", '&apos;');
}

/** A bookmark as EvtRender writes it: two blanks, CR LF, single quotes, one line per log. */
export function bookmarkXml(position: EventPosition): string {
  const lines = [`<BookmarkList${position.direction === 'reverse' ? " Direction='backward'" : ''}>`];
  for (const [i, name] of position.names.entries()) {
    const id = position.recordIds[i];
    if (id === undefined) continue;
    const current = i === position.current ? " IsCurrent='true'" : '';
    lines.push(`  <Bookmark Channel='${attribute(name)}' RecordId='${id}'${current}/>`);
  }
  lines.push('</BookmarkList>');
  return lines.join('\r\n');
}

/**
 * Reads a bookmark: either kind of quotes, any order of attributes, `true` in any case or `1`.
 * @throws EvtError ERROR_EVT_MALFORMED_XML_TEXT (15008) when it is no XML; ERROR_INVALID_PARAMETER (87) when it is no bookmark
 */
export function parseBookmark(xml: string, api: string): EventPosition {
  if (xml.length > MAX_UNITS) throw new EvtError('ERROR_INVALID_PARAMETER', api, 'the bookmark is too long');
  const names: string[] = [];
  const recordIds: bigint[] = [];
  let current = -1;
  let direction: EventPosition['direction'] = 'forward';
  let depth = 0;
  const shape = (detail: string) => new EvtError('ERROR_INVALID_PARAMETER', api, `not a bookmark: ${detail}`);
  const parser = new SaxesParser<{ xmlns: false }>({ xmlns: false });
  parser.on('error', (error) => {
    throw new EvtError('ERROR_EVT_MALFORMED_XML_TEXT', api, `the bookmark is no XML: ${error.message}`);
  });
  parser.on('doctype', () => {
    throw shape('it has a document type');
  });
  parser.on('opentag', ({ name, attributes }) => {
    depth++;
    if (depth === 1) {
      if (name !== 'BookmarkList') throw shape(`the root is ${name}, not BookmarkList`);
      if (attributes['Direction']?.toLowerCase() === 'backward') direction = 'reverse';
      return;
    }
    if (depth !== 2 || name !== 'Bookmark') throw shape(`${name} stands where a Bookmark must`);
    const channel = attributes['Channel'];
    const recordId = attributes['RecordId'];
    if (channel === undefined || channel === '') throw shape('a Bookmark has no Channel');
    if (recordId === undefined || !RECORD_ID.test(recordId) || BigInt(recordId) >= 1n << 64n) {
      throw shape(`the RecordId of ${channel} is no record number`);
    }
    if (['true', '1'].includes((attributes['IsCurrent'] ?? '').toLowerCase())) current = names.length;
    names.push(channel);
    recordIds.push(BigInt(recordId));
  });
  parser.on('closetag', () => {
    depth--;
  });
  try {
    parser.write(xml).close();
  } catch (error) {
    // The XML parser trips over a text that ends with "<!" instead of saying so.
    if (!(error instanceof RangeError)) throw error;
    throw new EvtError('ERROR_EVT_MALFORMED_XML_TEXT', api, 'the bookmark is no XML: it ends inside markup');
  }
  // One log is current by itself; of several, the last one named is the best guess.
  return { names, recordIds, current: current < 0 ? names.length - 1 : current, direction };
}

/** Moves a bookmark to an event: its log becomes current, the others stay where the event's result set has them. */
export function movedBookmark(bookmark: EventPosition, event: EventPosition): EventPosition {
  const names = [...bookmark.names];
  const recordIds = [...bookmark.recordIds];
  let current = -1;
  for (const [i, name] of event.names.entries()) {
    const id = event.recordIds[i];
    if (id === undefined) continue;
    const known = names.findIndex((candidate) => candidate.toLowerCase() === name.toLowerCase());
    const at = known < 0 ? names.length : known;
    names[at] = known < 0 ? name : names[known]!;
    recordIds[at] = id;
    if (i === event.current) current = at;
  }
  return { names, recordIds, current, direction: event.direction };
}
