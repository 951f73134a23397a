import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkDocument } from '../../src/binxml/check.ts';
import { BinXmlError } from '../../src/binxml/error.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderXml } from '../../src/render/xml.ts';
import { corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf, type StoredRecord } from '../documents.ts';

/** Live and readable records of sample logs, as an independent reader counted them that stops at the first damage of a chunk. */
const COUNTS: readonly (readonly [path: string, live: number, readable: number])[] = [
  ['parser-samples/2-system-Microsoft-Windows-LiveId%4Operational.evtx', 399, 399],
  ['parser-samples/2-vss_7-System.evtx', 1160, 1160],
  ['parser-samples/Application_no_crc32.evtx', 17, 17],
  ['parser-samples/E_ShadowCopy6_windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx', 459, 459],
  ['parser-samples/E_Windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx', 340, 340],
  ['parser-samples/E_Windows_system32_winevt_logs_Microsoft-Windows-Shell-Core%4Operational.evtx', 1146, 1146],
  ['parser-samples/MSExchange_Management_wec.evtx', 1, 1],
  ['parser-samples/Microsoft-Windows-LanguagePackSetup%4Operational.evtx', 17, 17],
  ['parser-samples/Security_short_selected.evtx', 7, 7],
  ['parser-samples/Security_with_size_t.evtx', 636, 636],
  ['parser-samples/issue_201.evtx', 1, 1],
  ['parser-samples/new-user-security.evtx', 4, 4],
  ['parser-samples/post-Security.evtx', 126, 126],
  ['parser-samples/sample-with-irregular-bool-values.evtx', 3028, 3028],
  ['parser-samples/security.evtx', 2261, 2261],
  ['parser-samples/security_bad_string_cache.evtx', 2261, 2261],
  ['parser-samples/sysmon.evtx', 358, 358],
  ['parser-samples/system.evtx', 1881, 1881],
  ['query-samples/Application.evtx', 366, 366],
  ['query-samples/Microsoft-Windows-CAPI2_Operational_EventID70.evtx', 1, 1],
  ['query-samples/Security_1_record.evtx', 1, 1],
  ['query-samples/System.evtx', 5009, 5009],
  ['query-samples/TestLogX.evtx', 5, 5],
];

/** Where more is found, because reading goes on behind damage: the counts of that other reader, and ours. */
const BEYOND_DAMAGE: readonly (readonly [path: string, stopping: number, live: number, readable: number])[] = [
  ['parser-samples/2-vss_0-Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx', 1912, 1975, 1951],
  [
    'parser-samples/2-vss_0-Microsoft-Windows-TerminalServices-RemoteConnectionManager%4Operational.evtx',
    1775,
    1795,
    1795,
  ],
  ['parser-samples/sample-with-zero-data-size-event.evtx', 335, 449, 449],
];

function isReadable({ document }: StoredRecord): boolean {
  if (document === undefined) return false;
  try {
    checkDocument(document);
    const roots = resolveDocument(document);
    const xml = renderXml(roots);
    return xml.startsWith('<Event ') && xml.endsWith('</Event>') && typeof JSON.parse(renderJson(roots)) === 'object';
  } catch (error) {
    if (error instanceof BinXmlError) return false;
    throw error;
  }
}

/** The values of one record lie on a page that was never written: it is there, but no event is left of it. */
const UNWRITTEN: readonly (readonly [path: string, live: number, readable: number])[] = [
  ['parser-samples/Microsoft-Windows-HelloForBusiness%4Operational.evtx', 6, 5],
  ['parser-samples/sample_with_a_bad_chunk_magic.evtx', 270, 269],
];

const there = ([path]: readonly [string, ...unknown[]]) => existsSync(corpusPath(path));

describe.skipIf(corpusLogs().length === 0)(`records of real logs (else: ${NO_CORPUS})`, () => {
  test.each([...COUNTS, ...UNWRITTEN].filter(there))('%s has %i records, %i readable', (path, live, readable) => {
    const records = recordsOf(corpusPath(path));
    expect([records.length, records.filter(isReadable).length]).toEqual([live, readable]);
  });

  test.each(BEYOND_DAMAGE.filter(there))(
    '%s: not %i but %i records, %i readable: reading goes on behind damage',
    (path, _, live, readable) => {
      const records = recordsOf(corpusPath(path));
      expect([records.length, records.filter(isReadable).length]).toEqual([live, readable]);
    },
  );

  test('every record of every other log can be rendered', () => {
    const damaged = new Set([...BEYOND_DAMAGE, ...UNWRITTEN].map(([path]) => path));
    const unreadable = corpusLogs().filter(
      (path) => !damaged.has(path) && !recordsOf(corpusPath(path)).every(isReadable),
    );
    expect(unreadable).toEqual([]);
  });
});
