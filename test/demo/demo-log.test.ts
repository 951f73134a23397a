import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { resolveDocument, valueType } from '../../src/binxml/resolve.ts';
import type { ContentNode, Fragment, InstanceNode } from '../../src/binxml/tree.ts';
import { generateDemoLog } from '../../src/demo/demo-log.ts';
import { Application, Operational, Security, Sysmon, System } from '../../src/demo/kinds.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { renderXml } from '../../src/render/xml.ts';
import { chunksOf, MemoryLog } from '../evtx/memory-log.ts';

function demoLog(events: number, seed?: number): Uint8Array {
  const log = new MemoryLog();
  generateDemoLog(log, seed === undefined ? { events } : { events, seed });
  return log.bytes();
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function documents(file: Uint8Array): Fragment[] {
  return chunksOf(file).flatMap((chunk) => [...chunk.liveRecords()].map((at) => chunk.document(at)));
}

describe('a demonstration log of 20,000 events', () => {
  const file = demoLog(20_000);
  const events = documents(file);
  const xml = events.map((event) => renderXml(resolveDocument(event)));
  const attribute = (pattern: RegExp) => xml.map((each) => pattern.exec(each)?.[1] ?? '');

  test('passes the acceptance list', () => {
    expect(verifyLog(file).checks.filter((check) => check.failureCount > 0)).toEqual([]);
    expect(events).toHaveLength(20_000);
  });

  test('goes forward in time, over some six weeks', () => {
    const times = attribute(/SystemTime='([^']*)'/);
    expect([...times].sort()).toEqual(times);
    const days = (Date.parse(times.at(-1)!) - Date.parse(times[0]!)) / 86_400_000;
    expect(days).toBeGreaterThan(35);
    expect(days).toBeLessThan(49);
  });

  test('holds every kind of event there is, from many machines and several channels', () => {
    const kinds = [Security, Sysmon, System, Application, Operational].flatMap((room) => Object.values(room));
    const wanted = new Set(kinds.map(({ system }) => `${system.channel} ${system.eventId}`));
    const ids = attribute(/<EventID[^>]*>(\d+)</);
    const channels = attribute(/<Channel>([^<]*)</);
    const found = new Set(ids.map((id, i) => `${channels[i]} ${id}`));
    expect([...found].sort()).toEqual([...wanted].sort());
    expect(new Set(attribute(/<Computer>([^<]*)</)).size).toBeGreaterThanOrEqual(16);
    expect(new Set(channels).size).toBe(8);
  });

  test('gives each field the type that its template declares', () => {
    for (const event of events) {
      const outer = event[0] as InstanceNode;
      const [body] = outer.values.nested(outer.values.count - 1) as InstanceNode[];
      for (const { index, type, optional } of substitutions(body!.template.root)) {
        const actual = valueType(body!.values, index);
        if (!(optional && actual === 0)) expect(actual).toBe(type);
      }
    }
  });

  test('tells of one intrusion: guessed passwords, a logon from outside, a new service and account, a cleared log', () => {
    const intruder = xml.filter((each) => each.includes('203.0.113.77'));
    const ids = intruder.map((each) => Number(/<EventID[^>]*>(\d+)</.exec(each)![1]));
    expect(ids.filter((id) => id === 4625)).toHaveLength(50);
    expect(ids.filter((id) => id === 4624)).toHaveLength(1);
    for (const id of [1102, 1116, 4720, 4732, 7045]) {
      expect(xml.filter((each) => new RegExp(`<EventID[^>]*>${id}<`).test(each))).toHaveLength(1);
    }
    const cleared = xml.find((each) => each.includes('LogFileCleared'));
    expect(cleared).toContain('<SubjectUserName>svc-web</SubjectUserName>');
  });

  test('names nobody outside of the ranges reserved for examples', () => {
    const fields = /Name='(?:IpAddress|SourceIp|DestinationIp)'>([^<]*)</g;
    const addresses = xml.flatMap((each) => [...each.matchAll(fields)].map((match) => match[1]!));
    const foreign = addresses.filter(
      (each) => !/^(-|127\.0\.0\.1|(::ffff:)?(10\.20|198\.51\.100|203\.0\.113)\..*)$/.test(each),
    );
    expect(addresses.length).toBeGreaterThan(1000);
    expect([...new Set(foreign)]).toEqual([]);
    const hosts = xml.flatMap((each) => /QueryName'>([^<]*)</.exec(each)?.[1] ?? []);
    for (const host of hosts) expect(host).toMatch(/(^|\.)example(\.(com|net|org))?$/);
  });
});

function substitutions(nodes: readonly ContentNode[]): { index: number; type: number; optional: boolean }[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'substitution') return [node];
    if (node.kind !== 'element') return [];
    return [...substitutions(node.content), ...node.attributes.flatMap(({ value }) => substitutions(value))];
  });
}

test('the same seed gives the same bytes, another seed other ones', () => {
  const first = sha256(demoLog(3000, 5));
  expect(sha256(demoLog(3000, 5))).toBe(first);
  expect(sha256(demoLog(3000, 6))).not.toBe(first);
  expect(sha256(demoLog(3000))).toBe(sha256(demoLog(3000, 1)));
});

test.each([1, 2, 100, 777])('%i events are %i events', (events) => {
  const file = demoLog(events);
  expect(documents(file)).toHaveLength(events);
  expect(verifyLog(file).passed).toBe(true);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is refused as a number of events', (events) => {
  expect(() => demoLog(events)).toThrow(/ERROR_INVALID_PARAMETER/);
});
