import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { type JsonOptions, renderJson } from '../../src/render/json.ts';
import { corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf } from '../documents.ts';

const APART: JsonOptions = { attributesApart: true };
const CAPI2 = 'E_Windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx';

/** Example, log, index of the record (or its id), options. */
const EXAMPLES: readonly (readonly [string, string, bigint, JsonOptions])[] = [
  ['sample.json', 'security.evtx', 1n, {}],
  ['sample_with_event_data_with_attributes_and_text.json', 'system.evtx', 1n, {}],
  ['with_size_t.json', 'Security_with_size_t.evtx', 196n, {}],
  ['with_multiple_nodes_same_name.json', CAPI2, 28n, {}],
  ['with_multiple_data_elements-2.json', 'MSExchange_Management_wec.evtx', 0n, {}],
  ['with_multiple_nodes_same_name_separate.json', CAPI2, 28n, APART],
  ['multiple_empty_data_nodes_not_ignored.json', 'issue_201.evtx', 0n, APART],
  ['missing_string_cache_entry.json', 'security_bad_string_cache.evtx', 1n, APART],
];

const GUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d*Z$/;

/** What the examples' makers have changed since: digits of times, braces and case of GUIDs, an empty binary value. */
function normal(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(GUID, (_, digits: string) => digits.toLowerCase()).replace(TIME, '$1Z');
  if (Array.isArray(value)) return value.map(normal);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, normal(member)]));
}

describe.skipIf(!existsSync(corpusPath('json-shape')))(
  `the JSON shape that the field's tools exchange (else: ${NO_CORPUS})`,
  () => {
    test.each(EXAMPLES)('%s', (example, log, id, options) => {
      const records = recordsOf(corpusPath(`parser-samples/${log}`));
      const record =
        id === 0n ? records[0]! : records.find(({ chunk, chunkOffset }) => chunk.recordId(chunkOffset) === id)!;
      const text = readFileSync(corpusPath(`json-shape/${example}`), 'utf8');
      // Its maker left out no element with a Null value then; Windows does, and its maker does now.
      const want: unknown = JSON.parse(text.replace(/,\s*"Binary": null/, ''));
      const got: unknown = JSON.parse(renderJson(resolveDocument(record.document!), options));
      expect(normal(got)).toEqual(normal(want));
    });
  },
);
