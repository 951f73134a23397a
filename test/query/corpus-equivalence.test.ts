import { describe, expect, test } from 'vitest';
import { BinXmlError } from '../../src/binxml/error.ts';
import type { EventElement } from '../../src/binxml/event-tree.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { fileTimeOfUnixMs } from '../../src/bytes/time.ts';
import type { Chunk } from '../../src/evtx/chunk.ts';
import { RecordCursor } from '../../src/evtx/record-cursor.ts';
import { evaluate } from '../../src/query/evaluate.ts';
import { createFilter } from '../../src/query/filter.ts';
import { parseXPath } from '../../src/query/parse.ts';
import { corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf, type StoredRecord } from '../documents.ts';
import { compareKernels, kernelQuery } from './kernel-agreement.ts';

/** Records looked at per log, spread over it: breadth counts, and there are some 300 logs. */
const RECORDS_PER_LOG = 60;

const QUERIES = [
  '*[System]',
  '*[EventData]',
  '*[UserData]',
  '*[RenderingInfo]',
  '*[EventData or UserData]',
  '*/*/*',
  '*[*/@xmlns]',
  '*[System[EventID=4624]]',
  "*[System[EventID='1']]",
  '*[System[EventID!=1 and EventID!=4624]]',
  '*[System[EventID>=4000 and EventID<5000]]',
  '*[System[(EventID=1 or EventID=3 or EventID=7 or EventID=10 or EventID=11 or EventID=4688)]]',
  '*[System[EventID=1 or EventID="3" or Level=2]]',
  '*[System[Level<=3 and Level!=0]]',
  '*[System/Version]',
  '*[System[Version>1]]',
  '*[System/Opcode=0]',
  '*[System[Task=1 or Task=12544]]',
  "*[System[Provider[@Name='microsoft-windows-SYSMON']]]",
  "*[System/Provider[@Name='Microsoft-Windows-Security-Auditing' or @Name='Service Control Manager']]",
  "*[System/Provider/@Guid='{5770385F-C22A-43E0-BF4C-06F5698FFBD9}']",
  "*[System/Provider/@Guid!='{5770385F-C22A-43E0-BF4C-06F5698FFBD9}']",
  '*[System/Provider/@EventSourceName]',
  '*[System/EventID/@Qualifiers]',
  '*[System[EventID[@Qualifiers=16384]]]',
  '*[System[band(Keywords,0x8020000000000000)]]',
  '*[System[band(Keywords,0x10000000000000)]]',
  "*[System/Keywords='0x8000000000000000']",
  '*[System/Keywords=9223372036854775808]',
  '*[System[TimeCreated[timediff(@SystemTime) <= 157680000000]]]',
  "*[System[TimeCreated[@SystemTime>='2019-01-01T00:00:00Z' and @SystemTime<'2020-01-01T00:00:00.000Z']]]",
  "*[System[timediff(TimeCreated/@SystemTime, '2020-01-01T00:00:00Z') > 0]]",
  '*[System[EventRecordID>1000]]',
  '*[System/Correlation/@ActivityID]',
  '*[System[Execution[@ProcessID=4]]]',
  '*[System[Execution[@ProcessID>500 and @ThreadID<5000]]]',
  "*[System/Channel='security']",
  "*[System/Computer!='x']",
  '*[System/Security/@UserID]',
  "*[System[Security[@UserID='S-1-5-18']]]",
  "*[System/Security/@UserID!='S-1-5-18']",
  "*[EventData[Data='']]",
  "*[EventData[Data!='']]",
  '*[EventData[Data=0]]',
  '*[EventData[Data>100]]',
  "*[EventData[Data[@Name='LogonType']=3]]",
  "*[EventData[Data[@Name='LogonType']!='3']]",
  "*[EventData[Data[@Name='TargetUserName']='SYSTEM' or Data[@Name='SubjectUserName']='SYSTEM']]",
  "*[EventData[Data[@Name='SubjectUserSid']='S-1-5-18']]",
  "*[EventData[Data[@Name='Image']!='' and Data[@Name='IntegrityLevel']='High']]",
  "*[EventData[Data[@Name='ProcessGuid']]]",
  "*[EventData[Data[@Name='UtcTime']>'2019-01-01T00:00:00Z']]",
  "*[EventData[Data[@Name='IsMachine']='true' or Data[@Name='IsMachine']=1]]",
  "*[EventData[Data[@Name='CreationUtcTime']] and System[EventID=2]]",
  '*[EventData[Data[2]]]',
  "*[EventData[Data[1]='']]",
  '*[EventData[Data[position()>3]!=0]]',
  "*[EventData[Data[@Name][2]!='']]",
  '*[EventData[Binary]]',
  '*[EventData/Data/@Name]',
  "*[EventData/Data[@*='LogonId']]",
  '*[EventData/Data/text()="0x3e7"]',
  "*[EventData[Data[@Name='SubjectLogonId']='0x3e7']]",
  "*[EventData[band(Data[@Name='AccessMask'], 2)]]",
  '*[EventData[band(Data, 0x40)]]',
  '*[UserData/*/*]',
  "*[UserData/*/*!='']",
  "*[UserData/*[SubjectUserName='x' or Reason]]",
  '*[UserData/*/*/@*]',
  "*[System[EventID=1]] and (*[EventData[Data[@Name='User']]] or *[UserData])",
  "*[System[EventID=7045]] or *[EventData[Data[@Name='ServiceName']]]",
];

/** Each log's records as stored, and as resolved. */
function sampleOf(log: string): { document: Fragment; roots: EventElement[]; record: StoredRecord }[] {
  const records = recordsOf(corpusPath(log));
  const stride = Math.max(1, Math.floor(records.length / RECORDS_PER_LOG));
  return records
    .filter((_, i) => i % stride === 0)
    .flatMap((record) => {
      const { document } = record;
      if (document === undefined) return [];
      try {
        return [{ document, roots: resolveDocument(document), record }];
      } catch (error) {
        if (error instanceof BinXmlError) return [];
        throw error;
      }
    });
}

/** Asked of the kernel besides: what its programs have and the list above has not. */
const STRUCTURED = [
  `<QueryList><Query Id="0"><Select>*[System[EventID=4624 or Level&lt;=3]]</Select><Suppress>*[EventData[Data[@Name='LogonType']=3]]</Suppress></Query><Query Id="1"><Select>*[System[EventID=1]]</Select></Query></QueryList>`,
  '<QueryList><Query><Select>*</Select><Suppress>*[System/EventID=4624]</Suppress></Query></QueryList>',
];

const logs = corpusLogs();

describe.skipIf(logs.length === 0)(`real events (else: ${NO_CORPUS})`, () => {
  test('get the same answers from both evaluators', { timeout: 120_000 }, () => {
    const context = { now: fileTimeOfUnixMs(Date.UTC(2022, 0, 1)) };
    const queries = QUERIES.map((text) => {
      const expression = parseXPath(text)!;
      return { text, expression, filter: createFilter(expression, 'compiled'), hits: 0 };
    });
    const differences: string[] = [];
    let records = 0;
    const cursor = new RecordCursor();
    let inPlace = 0;
    for (const log of logs) {
      for (const { document, roots, record } of sampleOf(log)) {
        records++;
        cursor.look(record.chunk, record.chunkOffset);
        if (cursor.isInstance) inPlace++;
        for (const query of queries) {
          const plain = evaluate(query.expression, roots, context);
          if (plain) query.hits++;
          if (query.filter.matches(document, context) !== plain) differences.push(`${log}: ${query.text} is ${plain}`);
          if (query.filter.matchesRecord(cursor, context) !== plain) {
            differences.push(`${log}: ${query.text} is ${plain}, not so in place`);
          }
        }
      }
    }
    expect(differences).toEqual([]);
    expect(records).toBeGreaterThan(4000);
    // Those without a template, too: nearly all are decided where they lie.
    expect(inPlace).toBeGreaterThan(0.99 * records);
    // A query that never hits, or always does, says little: most must do both.
    const telling = queries.filter(({ hits }) => hits > 0 && hits < records);
    expect(telling.length).toBeGreaterThan(60);
  });

  test('get the same answers from the kernel', { timeout: 240_000 }, () => {
    const now = fileTimeOfUnixMs(Date.UTC(2022, 0, 1));
    const queries = [...QUERIES, ...STRUCTURED].map(kernelQuery);
    const differences: string[] = [];
    for (const log of logs) {
      const byChunk = new Map<Chunk, number[]>();
      for (const { record } of sampleOf(log)) {
        const { chunk, chunkOffset } = record;
        byChunk.set(chunk, [...(byChunk.get(chunk) ?? []), chunkOffset]);
      }
      for (const [chunk, offsets] of byChunk) {
        for (const query of queries) differences.push(...compareKernels(query, chunk, offsets, now));
      }
    }
    expect(differences).toEqual([]);
    // Nearly all of it is told there: else this would compare little.
    const told = queries.reduce((sum, query) => sum + query.told, 0);
    const unknown = queries.reduce((sum, query) => sum + query.unknown, 0);
    expect(told).toBeGreaterThan(1_000_000);
    expect(unknown).toBeLessThan(told / 10);
  });
});
