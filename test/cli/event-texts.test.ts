import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { EventTextSource } from '../../src/cli/event-texts.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { temporaryFolder } from '../log-files.ts';
import { PUBLISHER, windowsPublisher } from '../server/windows-publisher.ts';

const GET_PUBLISHER_METADATA = 24;

async function eventOf(provider: string) {
  const local = EventLogSession.open({ store: join(temporaryFolder(), 'store') });
  await local.write('App', { provider, id: 100, level: 2, task: 1, data: { Number: '4711' } });
  for await (const event of local.events('App')) return event;
  throw new Error('there is no event');
}

it('opens a publisher once, and anew when its connection was lost', async () => {
  const peer = await windowsPublisher();
  const source = new EventTextSource(peer.session());
  const event = await eventOf(PUBLISHER);
  const opened = () => peer.calls.filter((opnum) => opnum === GET_PUBLISHER_METADATA).length;
  for (let i = 0; i < 3; i++) expect((await source.of(event)).get('event')).toEqual(['Order 4711 was shipped.']);
  expect(opened()).toBe(1);
  peer.drop();
  await vi.waitFor(async () => {
    expect((await source.of(event)).get('event')).toEqual(['Order 4711 was shipped.']);
  });
  expect(opened()).toBe(2);
});

it('has what every machine has, where the publisher is not known', async () => {
  const peer = await windowsPublisher();
  const texts = await new EventTextSource(peer.session()).of(await eventOf('Nobody'));
  expect([...texts]).toEqual([
    ['level', ['Error']],
    ['opcode', ['Info']],
  ]);
});

it('keeps no more than so many publishers open', async () => {
  const peer = await windowsPublisher();
  const source = new EventTextSource(peer.session());
  const event = await eventOf(PUBLISHER);
  await source.of(event);
  for (let i = 0; i < 64; i++) await source.of(await eventOf(`Nobody ${i}`));
  await vi.waitFor(() => expect(peer.openHandles).toBe(0));
});
