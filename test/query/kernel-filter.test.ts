import { describe, expect, it } from 'vitest';
import { defineTemplate, element, instance, substitution } from '../../src/binxml/template-builder.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { HIT_UNKNOWN, HIT_WHOLE } from '../../src/kernel/layout.ts';
import { PoolFull } from '../../src/kernel/memory.ts';
import { createMatcher, KernelFilter, parseQuery } from '../../src/query/index.ts';
import { CompiledRenderer } from '../../src/render/compiled.ts';
import { sampleEvent, timeOf } from '../evtx/sample-events.ts';
import { KERNELS } from '../kernels.ts';
import { compareKernels, kernelQuery } from './kernel-agreement.ts';

const COUNT = 30;

function chunkOf(documents: readonly Fragment[]): Chunk {
  const writer = new ChunkWriter(1n);
  for (const [i, document] of documents.entries()) writer.add(document, BigInt(i + 1), timeOf(BigInt(i + 1)));
  return new Chunk(writer.finish(), 0, 0);
}

const samples = () => Array.from({ length: COUNT }, (_, i) => sampleEvent(BigInt(i + 1)));

/** A forwarded event: elements and texts only. */
function bareEvent(id: string, level: string, user: string, time = '2024-01-01T00:00:10.0000000Z'): Fragment {
  return [
    element('Event', {}, [
      element('System', {}, [
        element('EventID', {}, [id]),
        element('Level', {}, [level]),
        element('TimeCreated', { SystemTime: time }, []),
      ]),
      element('EventData', {}, [element('Data', { Name: 'User' }, [user]), element('Data', {}, ['x'])]),
    ]),
  ];
}

function filterOf(kernel: (typeof KERNELS)[number], query: string): KernelFilter {
  const matcher = createMatcher(parseQuery(query), { isMine: () => true });
  return new KernelFilter(kernel, (shape) => matcher.codeOf(shape));
}

const hits = new Int32Array(64);

/** Records that are taken, or that the kernel leaves to others. */
function select(filter: KernelFilter, chunk: Chunk, first = 0, step = 1, count = COUNT): number[] {
  const found = filter.select(chunk, chunk.liveRecords(), first, step, count, 0n, hits, true);
  return Array.from(hits.subarray(0, found), (hit) => first + (hit & 0xffff) * step);
}

describe.each(KERNELS.map((kernel) => [kernel.executor.name, kernel] as const))('a filter in %s', (_, kernel) => {
  it('tells every third record, in either direction and from anywhere, and that they are whole', () => {
    const chunk = chunkOf(samples());
    const filter = filterOf(kernel, '*[System[EventID=7]]');
    expect(select(filter, chunk)).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29]);
    expect(hits.subarray(0, 10).every((hit) => (hit & HIT_WHOLE) !== 0 && (hit & HIT_UNKNOWN) === 0)).toBe(true);
    expect(select(filter, chunk, 20, -1, 10)).toEqual([20, 17, 14, 11]);
  });

  it('keeps its tests apart from those of another one that takes turns with it', () => {
    const chunks = [chunkOf(samples()), chunkOf(samples())];
    const old = filterOf(kernel, '*[System[EventID=7]]');
    const some = filterOf(kernel, "*[EventData[Data[@Name='Count']>25]]");
    for (const chunk of [...chunks, ...chunks]) {
      expect(select(old, chunk).length).toBe(10);
      expect(select(some, chunk)).toEqual([25, 27, 28]);
    }
  });

  it('begins again when the memory is full', () => {
    const chunk = chunkOf(samples());
    const filter = filterOf(kernel, "*[System[EventID=1] and EventData[Data[@Name='Note']='NOTE 4']]");
    const { generation } = kernel;
    const fill = () => {
      for (const size of [1 << 20, 1 << 10, 1]) {
        try {
          for (;;) kernel.memory.takeWords(size);
        } catch (error) {
          if (!(error instanceof PoolFull)) throw error;
        }
      }
    };
    fill();
    expect(select(filter, chunk)).toEqual([3]);
    expect(kernel.generation).toBeGreaterThan(generation);
    fill();
    expect(select(filter, chunkOf(samples()))).toEqual([3]);
  });

  it('learns definitions that the kernel does not read by itself, whoever else has met them', () => {
    const template = (name: string) =>
      defineTemplate(element('Event', {}, [element(name, {}, [substitution(0, 1)]), element('EventData', {}, ['x'])]));
    const documents = [template('Größe'), template('Plain'), template('Länge')].flatMap((each) =>
      ['a', 'b'].map((text): Fragment => [instance(each, [value.string(text)])]),
    );
    const renderer = new CompiledRenderer(kernel);
    for (const rendersFirst of [false, true]) {
      kernel.empty();
      const chunk = chunkOf(documents);
      const offsets = chunk.liveRecords();
      const lines = () => Array.from(offsets, (offset) => renderer.text(chunk, offset, 'json'));
      const before = rendersFirst ? lines() : undefined;
      expect(select(filterOf(kernel, "*[Größe='b' or Plain='b']"), chunk, 0, 1, 6)).toEqual([1, 3]);
      expect(lines()).toEqual(before ?? lines());
      expect(lines()[5]).toBe('{"Event":{"Länge":"b","EventData":"x"}}');
    }
  });
});

describe('documents without a template', () => {
  const chunk = chunkOf([
    bareEvent('4624', '2', 'SYSTEM'),
    bareEvent('4625', '4', 'system', '2024-02-29T23:59:59Z'),
    bareEvent('04624', '', 'a\0b', '2024-01-31T00:00:00.123456789Z'),
    bareEvent('0x1210', 'x', '', 'yesterday'),
    [element('Event', {}, [element('System', {}, [element('EventID', {}, ['1'])])])],
  ]);
  const offsets = [...chunk.liveRecords()];

  it.each([
    '*[System[EventID=4624]]',
    '*[System[EventID=4624 or EventID=1]]',
    "*[System[EventID='4624']]",
    '*[System[EventID!=4625 and Level<=3]]',
    "*[System[Level='']]",
    "*[EventData[Data[@Name='User']='system']]",
    "*[EventData[Data='x']]",
    "*[System[TimeCreated[@SystemTime>='2024-01-01T00:00:10Z' and @SystemTime<'2024-02-01T00:00:00Z']]]",
    "*[System[TimeCreated[@SystemTime='2024-01-31T00:00:00.1234567Z']]]",
    "*[System[TimeCreated[@SystemTime!='2024-02-29T23:59:59Z']]]",
  ])('are selected as their events are: %s', (text) => {
    const query = kernelQuery(text);
    expect(compareKernels(query, chunk, offsets, 0n)).toEqual([]);
    expect(query.told).toBeGreaterThan(0);
  });
});

describe('values of a template', () => {
  /** As many values as `count`, of different sizes; those at `nested` are documents. The last one is numbered. */
  const event = (count: number, nested: readonly number[], number: number): Fragment => {
    const slots = Array.from({ length: count }, (_, slot) => slot);
    const data = (slot: number) => element('Data', { Name: `d${slot}` }, [substitution(slot, 1)]);
    const template = defineTemplate(element('Event', {}, [element('EventData', {}, slots.map(data))]));
    const body = [element('Inner', {}, [element('Deep', {}, [String(number)])])];
    const values = slots.map((slot) => {
      if (nested.includes(slot)) return value.fragment(body);
      return slot === count - 1 ? value.uint32(number) : value.string('x'.repeat((7 * slot) % 13));
    });
    return [instance(template, values)];
  };
  const layouts = [1, 2, 3, 4, 5, 7, 8, 9, 20, 33, 300].flatMap((count) => [
    { count, nested: [] as number[] },
    ...[0, 1, 3, count - 2, count - 1]
      .filter((slot, i, all) => slot >= 0 && slot < count && all.indexOf(slot) === i)
      .map((slot) => ({ count, nested: [slot] })),
    ...(count > 6 ? [{ count, nested: [1, 5] }] : []),
  ]);

  it.each(layouts)('are found wherever they and a nested document lie: $count, nested $nested', ({ count, nested }) => {
    const chunk = chunkOf([1, 2, 3, 2].map((number) => event(count, nested, number)));
    const offsets = [...chunk.liveRecords()];
    for (const text of [`*[EventData[Data[@Name='d${count - 1}']=2]]`, "*[EventData[Data[@Name='d0']!='']]"]) {
      const query = kernelQuery(text);
      expect(compareKernels(query, chunk, offsets, 0n)).toEqual([]);
      if (nested.length === 0) expect(query.unknown).toBe(0);
    }
  });
});

describe('shapes of documents without a template', () => {
  const other = (i: number): Fragment => [
    element('Event', {}, [
      element('System', {}, [element(`Own${i}`, {}, ['1']), element('EventID', {}, [String(i % 3)])]),
    ]),
  ];

  it('are told apart up to some number in one place, and the rest are left to others', () => {
    const query = kernelQuery('*[System[EventID=1]]');
    for (let first = 0; first < 400; first += 40) {
      const chunk = chunkOf(Array.from({ length: 40 }, (_, i) => other(first + i)));
      expect(compareKernels(query, chunk, [...chunk.liveRecords()], 0n)).toEqual([]);
    }
    expect(query.told).toBeGreaterThan(0);
    expect(query.unknown).toBeGreaterThan(0);
    // A log of another kind, some megabytes later.
    for (const kernel of KERNELS) for (let chunks = 0; chunks < 300; chunks++) kernel.memory.beginChunk();
    const later = kernelQuery('*[System[EventID=4624]]');
    const chunk = chunkOf(Array.from({ length: 9 }, () => bareEvent('4624', '2', 'SYSTEM')));
    expect(compareKernels(later, chunk, [...chunk.liveRecords()], 0n)).toEqual([]);
    expect(later.unknown).toBe(0);
  });

  it('may be the beginning of one another', () => {
    const system = (...more: Fragment[number][]) => element('System', {}, [element('EventID', {}, ['1']), ...more]);
    const documents: Fragment[] = [
      [element('Event', {}, [system(), element('EventData', {}, [element('Data', {}, ['x'])])])],
      [element('Event', {}, [system()])],
      [
        element('Event', {}, [
          system(element('Level', {}, ['1'])),
          element('EventData', {}, [element('Data', {}, ['x'])]),
        ]),
      ],
      [
        element('Event', {}, [
          system(),
          element('EventData', {}, [element('Data', {}, ['x']), element('Data', {}, ['y'])]),
        ]),
      ],
    ];
    const chunk = chunkOf([...documents, ...documents]);
    for (const text of ["*[EventData[Data='y']]", '*[System[Level=1]]', '*[System[EventID=1]]']) {
      const query = kernelQuery(text);
      expect(compareKernels(query, chunk, [...chunk.liveRecords()], 0n)).toEqual([]);
      expect(query.unknown).toBe(0);
    }
  });
});
