import { instance } from '../binxml/template-builder.ts';
import { fileTimeOfUnixMs } from '../bytes/time.ts';
import { EvtError } from '../errors/evt-error.ts';
import { EventBuilder, type SystemFields } from '../evtx/event-builder.ts';
import { EvtxFileWriter, type LogSink, type LogSummary } from '../evtx/file-writer.ts';
import type { Draft } from './event-kind.ts';
import { intrusion } from './incident.ts';
import { fileAccess, mistypedPassword, serviceLogon, workday } from './logon-scenes.ts';
import { calibration, crash, restart, serviceChange, update, upTime } from './machine-scenes.ts';
import { adminScript, backgroundWork, programUse, scheduledTask } from './process-scenes.ts';
import { Schedule } from './schedule.ts';
import { DAY, FIRST_MOMENT_MS, HOUR, MINUTE, World } from './world.ts';

/** The log covers this much time, whatever the number of events. */
const SPAN = 42 * DAY;
/** Events that an ordinary scene gives on average: it fits the scenes to the span. */
const EVENTS_PER_SCENE = 3.8;
/** After so many scenes the activity moves on: to other machines, and to so many kinds of scenes, repeats included. */
const SCENES_PER_FOCUS = 60;
const KINDS_PER_FOCUS = 6;
/** How far into the log the intrusion comes, and how many of the events are guessed passwords. */
const INTRUSION_AT = 0.62;
const GUESSES_SHARE = 1 / 400;

type Scene = (world: World, ticks: number) => unknown;

/** What happens, and how often beside the others. */
const SCENES: readonly (readonly [weight: number, scene: Scene])[] = [
  [20, programUse],
  [20, fileAccess],
  [14, serviceChange],
  [10, calibration],
  [10, scheduledTask],
  [8, backgroundWork],
  [7, workday],
  [5, serviceLogon],
  [4, adminScript],
  [4, mistypedPassword],
  [3, update],
  [2, crash],
  [1.5, upTime],
  [0.8, restart],
];
const TOTAL_WEIGHT = SCENES.reduce((sum, [weight]) => sum + weight, 0);

/** What the demonstration log is made from. */
export interface DemoLogOptions {
  /** Number of events, at least 1. */
  readonly events: number;
  /** The same seed gives the same log, byte for byte. Default 1. */
  readonly seed?: number;
}

/**
 * Writes a log of six weeks at an invented company: some twenty machines, a dozen people, the usual Windows providers,
 * and one intrusion. It reads like several channels merged by an export; record ids count from 1 and are the
 * EventRecordIDs.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) when `events` is no positive integer
 */
export function generateDemoLog(sink: LogSink, { events, seed = 1 }: DemoLogOptions): LogSummary {
  if (!Number.isSafeInteger(events) || events < 1) {
    throw new EvtError('ERROR_INVALID_PARAMETER', 'demonstration log', `${events} is no number of events`);
  }
  const writer = new EvtxFileWriter(sink);
  const builder = new EventBuilder();
  const coming = new Schedule();
  const world = new World(seed, (draft) => coming.add(draft));
  const scenes = Math.max(1, Math.ceil(events / EVENTS_PER_SCENE));
  const intrusionScene = Math.floor(scenes * INTRUSION_AT);
  const start = fileTimeOfUnixMs(FIRST_MOMENT_MS);

  let written = 0;
  let stretch = stretchOf(world);
  const writeUntil = (ticks: number) => {
    for (let draft = coming.next(ticks); draft !== undefined && written < events; draft = coming.next(ticks)) {
      const fileTime = start + BigInt(draft.ticks);
      writer.add(eventOf(builder, draft, fileTime, writer.nextRecordId, world), fileTime);
      written++;
    }
  };
  for (let scene = 0; written < events; scene++) {
    const ticks = momentOf((scene + world.random.fraction()) / scenes);
    if (scene % SCENES_PER_FOCUS === 0) {
      world.refocus();
      stretch = stretchOf(world);
    }
    if (scene === intrusionScene) intrusion(world, ticks + 2 * HOUR, Math.max(3, Math.floor(events * GUESSES_SHARE)));
    else world.random.pick(stretch)(world, ticks);
    // Scenes reach back by less than a minute, so what lies further back is complete.
    writeUntil(momentOf(scene / scenes) - MINUTE);
  }
  return writer.finish();
}

/** The scenes of a stretch of time: a few kinds, by their weights. */
function stretchOf({ random }: World): Scene[] {
  return Array.from({ length: KINDS_PER_FOCUS }, () => {
    let left = random.fraction() * TOTAL_WEIGHT;
    for (const [weight, scene] of SCENES) {
      left -= weight;
      if (left < 0) return scene;
    }
    return programUse;
  });
}

/** Field by field: spreading objects of many shapes takes a quarter of all the time. */
function eventOf(builder: EventBuilder, draft: Draft, timeCreated: bigint, eventRecordId: bigint, { random }: World) {
  const { kind, host, processId = 988, userSid: userId, activityId } = draft;
  const { provider, channel, eventId, qualifiers, version, level, task, opcode, keywords } = kind.system;
  // The oldest kind of event has no process.
  const threadId = version === undefined ? undefined : 4 * random.between(20, 4000);
  const system: SystemFields = {
    provider,
    channel,
    eventId,
    qualifiers,
    version,
    level,
    task,
    opcode,
    keywords,
    timeCreated,
    eventRecordId,
    computer: host.fullName,
    activityId,
    processId: version === undefined ? undefined : processId,
    threadId,
    userId,
  };
  const values = instance(kind.template, draft.values);
  const body = kind.form === 'EventData' ? { eventData: values } : { userData: values };
  return kind.classic ? builder.classic(system, body) : builder.manifest(system, body);
}

/** How busy each hour of a week is, Monday first: office hours, evenings with the night's jobs, quiet weekends. */
const WEEK: readonly number[] = Array.from({ length: 7 * 24 }, (_, hour) => {
  const [day, clock] = [Math.floor(hour / 24), hour % 24];
  if (day >= 5) return 0.25;
  return clock >= 7 && clock < 17 ? 2.2 : clock >= 1 && clock < 4 ? 0.7 : 0.4;
});
const WEEK_TOTAL = WEEK.reduce((sum, busy) => sum + busy, 0);

/** The moment by which a share of all that happens has happened; the log goes on alike beyond its span. */
function momentOf(share: number): number {
  const weeks = share * (SPAN / (7 * DAY));
  const week = Math.floor(weeks);
  let left = (weeks - week) * WEEK_TOTAL;
  let hour = 0;
  while (hour < WEEK.length - 1 && left >= WEEK[hour]!) left -= WEEK[hour++]!;
  return week * 7 * DAY + hour * HOUR + Math.floor((left / WEEK[hour]!) * HOUR);
}
