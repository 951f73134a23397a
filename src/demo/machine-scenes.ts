import { type TypedValue, value } from '../binxml/typed-value.ts';
import { fileTimeOfUnixMs } from '../bytes/time.ts';
import { utf16Bytes } from '../bytes/utf16.ts';
import type { EventKind } from './event-kind.ts';
import { Application, System } from './kinds.ts';
import { LAB_SERVER, PROGRAMS, SERVICE_NAMES } from './organisation.ts';
import { DAY, FIRST_MOMENT_MS, MILLISECOND, MINUTE, SECOND, type World } from './world.ts';

const RUNNING = value.string('running');
const STOPPED = value.string('stopped');
const SCM = { processId: 656 } as const;

/** The strings of a classic event, its raw data if any. */
function classicValues(strings: readonly string[], data?: Uint8Array): TypedValue[] {
  return [
    strings.length === 0 ? value.none : value.strings(strings),
    value.uint32(data?.length ?? 0),
    data === undefined ? value.none : value.binary(data),
  ];
}

/** A service starts, and often stops again. The raw data is the service's key name and a state, as Windows writes it. */
export function serviceChange(world: World, ticks: number): void {
  const { random } = world;
  const host = world.host();
  const display = random.pick(SERVICE_NAMES);
  const key = display.replaceAll(/[^A-Z]/g, '').toLowerCase() || 'svc';
  const name = value.string(display);
  const state = (number: number) => value.binary(utf16Bytes(`${key}/${number}\0`));
  world.emit(ticks, host, System.serviceState, [name, RUNNING, state(4)], SCM);
  if (random.chance(0.8)) {
    world.emit(world.later(ticks + MINUTE, 15 * MINUTE), host, System.serviceState, [name, STOPPED, state(1)], SCM);
  }
  if (random.chance(0.05)) {
    const change = ['demand start', 'auto start'].map((text) => value.string(text));
    const values = [name, change[0]!, change[1]!, value.string(key)];
    world.emit(world.later(ticks, SECOND), host, System.serviceStartType, values, { ...SCM, userSid: 'S-1-5-18' });
  }
}

export function serviceInstalled(world: World, ticks: number, name: string, path: string, host = LAB_SERVER): void {
  const values = [name, path, 'user mode service', 'demand start', 'LocalSystem'].map((text) => value.string(text));
  world.emit(ticks, host, System.serviceInstalled, values, { ...SCM, userSid: 'S-1-5-18' });
}

/** A machine restarts: who asked for it, then the kernel, the log service, and the services. */
export function restart(world: World, ticks: number): void {
  const { random } = world;
  const host = world.host();
  const image = 'C:\\Windows\\System32\\RuntimeBroker.exe';
  const reason = [`${image} (${host.name})`, host.name, 'Other (Planned)', '0x5000000', 'restart', '', host.self.name];
  world.emit(ticks, host, System.shutdown, classicValues(reason), { userSid: host.owner.sidText });
  const boot = ticks + 40 * SECOND;
  const startTime = fileTimeOfUnixMs(FIRST_MOMENT_MS + Math.floor(boot / MILLISECOND));
  const version = [10, 0, 22_621, 2506, 0, 0].map((n) => value.uint32(n));
  world.emit(boot, host, System.systemStarted, [...version, value.fileTime(startTime)], { userSid: 'S-1-5-18' });
  world.emit(boot + 3 * SECOND, host, System.eventLogStarted, classicValues([]));
  for (let i = random.between(4, 8), at = boot + 5 * SECOND; i > 0; i--, at = world.later(at, 3 * SECOND)) {
    world.emit(at, host, System.serviceState, [value.string(random.pick(SERVICE_NAMES)), RUNNING, value.none], SCM);
  }
}

/** The daily note of how long a machine has been up, in seconds. */
export function upTime(world: World, ticks: number): void {
  const seconds = world.random.between(3600, (20 * DAY) / SECOND);
  const strings = ['', '', '', '', String(seconds), '60', '0 UTC'];
  world.emit(ticks, world.host(), System.upTime, classicValues(strings));
}

const UPDATES = ['Cumulative Update', 'Security Intelligence Update', '.NET Framework Update', 'Driver Update'];

export function update(world: World, ticks: number): void {
  const { random } = world;
  const title = `${random.pick(UPDATES)} 2024-0${random.between(1, 2)} (FL${random.between(500_000, 599_999)})`;
  const values = [
    value.string(title),
    value.guidOf(random.uuidBytes()),
    value.uint32(random.between(1, 204)),
    value.guid('3da21691-e39d-4da6-8a4b-b43877bcb1b7'),
  ];
  const host = world.host();
  world.emit(ticks, host, System.updateInstalled, values, { processId: 3020, userSid: 'S-1-5-18' });
  if (random.chance(0.3)) {
    const program = random.pick(PROGRAMS);
    const strings = [`Product: ${program.description} -- Installation completed successfully.`, '(NULL)', '(NULL)'];
    const data = utf16Bytes(`{${random.uuid().toUpperCase()}}`);
    world.emit(world.later(ticks, MINUTE), host, Application.installed, classicValues(strings, data));
  }
}

const MODULES = ['ntdll.dll', 'bench.dll', 'render.dll', 'kernelbase.dll'];

/** A program crashes, and is reported. */
export function crash(world: World, ticks: number): void {
  const { random } = world;
  const host = world.workstation();
  const program = random.pick(PROGRAMS);
  const name = program.image.slice(program.image.lastIndexOf('\\') + 1);
  const module = random.pick(MODULES);
  const code = random.pick(['c0000005', 'c0000409', 'e0434352']);
  const offset = random.hex(8).toLowerCase();
  const report = random.uuid();
  const stamp = random.hex(8).toLowerCase();
  const strings = [name, program.version, stamp, module, '10.0.22621.2506', stamp, code, offset];
  const place = [`0x${random.hex(4).toLowerCase()}`, '0x1da4', program.image, module, report, '', ''];
  world.emit(ticks, host, Application.crash, classicValues([...strings, ...place]));
  const bucket = [random.hex(8), '4', 'APPCRASH', 'Not available', '0', name, program.version, module, code, report];
  world.emit(world.later(ticks, 4 * SECOND), host, Application.errorReport, classicValues(bucket));
}

/** A calibration run ends: its readings are the raw data, four bytes each. */
export function calibration(world: World, ticks: number): void {
  const { random } = world;
  const run = random.between(10_000, 99_999);
  const device = `FL-${random.between(1000, 1040)}`;
  const drift = random.chance(0.08);
  const kind: EventKind = drift ? Application.calibrationDrift : Application.calibrationDone;
  const deviation = (random.fraction() * (drift ? 4 : 0.4)).toFixed(3);
  const readings = Uint8Array.from({ length: 4 * random.between(4, 12) }, () => random.between(0, 255));
  const strings = [String(run), device, `${deviation} mV`, drift ? 'outside tolerance' : 'within tolerance'];
  world.emit(ticks, LAB_SERVER, kind, classicValues(strings, readings), { userSid: LAB_SERVER.owner.sidText });
}
