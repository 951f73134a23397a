import { type TypedValue, value } from '../binxml/typed-value.ts';
import { Operational, Security, Sysmon } from './kinds.ts';
import { subject } from './logon-scenes.ts';
import { EXPLORER, HOSTS, type Host, NOBODY, POWERSHELL, PROGRAMS, SERVICE_HOST } from './organisation.ts';
import { type LogonSession, MINUTE, type Process, SECOND, utcTime, type World } from './world.ts';

const DASH = value.string('-');
const EMPTY = value.string('');
const ORDINARY_TOKEN = value.string('%%1938');
const FULL_TOKEN = value.string('%%1936');
const MEDIUM_LABEL = value.sid('S-1-16-8192');
const SYSTEM_LABEL = value.sid('S-1-16-16384');
const SYSMON = { processId: 2480, userSid: 'S-1-5-18' } as const;

/** The three values with which Sysmon names a process at a moment, and its image. */
function whichProcess(ticks: number, { guid, id, program }: Process): TypedValue[] {
  return [utcTime(ticks), guid, value.uint32(id), value.string(program.image)];
}

function userOf({ account }: LogonSession): TypedValue {
  return value.string(`${account.domain}\\${account.name}`);
}

function fileName(image: string): string {
  return image.slice(image.lastIndexOf('\\') + 1);
}

/** A process starts: 4688, and Sysmon's own account of it. */
export function processStart(world: World, ticks: number, process: Process, parent: Process): void {
  const { session, program } = process;
  const { host, account } = session;
  const commandLine = value.string(process.commandLine);
  const image = value.string(program.image);
  world.emit(
    ticks,
    host,
    Security.processCreated,
    [
      ...subject(session),
      value.hexInt64(BigInt(process.id)),
      image,
      account.admin ? FULL_TOKEN : ORDINARY_TOKEN,
      value.hexInt64(BigInt(parent.id)),
      commandLine,
      ...subject({ ...session, account: NOBODY, logonId: value.hexInt64(0n) }),
      value.string(parent.program.image),
      account.admin ? SYSTEM_LABEL : MEDIUM_LABEL,
    ],
    { processId: 4 },
  );
  world.emit(
    ticks + SECOND / 200,
    host,
    Sysmon.processCreate,
    [
      DASH,
      ...whichProcess(ticks, process),
      value.string(program.version),
      value.string(program.description),
      value.string(program.description),
      value.string(program.company),
      value.string(fileName(program.image)),
      commandLine,
      value.string(account.admin ? 'C:\\Windows\\system32\\' : `C:\\Users\\${account.name}\\`),
      userOf(session),
      session.guid,
      session.logonId,
      value.uint32(account.sidText === 'S-1-5-18' ? 0 : 1),
      value.string(account.admin ? 'High' : 'Medium'),
      value.string(`SHA256=${hashOf(program.image)}`),
      parent.guid,
      value.uint32(parent.id),
      value.string(parent.program.image),
      value.string(parent.commandLine),
    ],
    SYSMON,
  );
}

export function processEnd(world: World, ticks: number, process: Process, status = 0): void {
  const { session, program, id } = process;
  const values = [...subject(session), value.hexInt32(status), value.hexInt64(BigInt(id)), value.string(program.image)];
  world.emit(ticks, session.host, Security.processExited, values, { processId: 4 });
  const { host } = session;
  world.emit(ticks + SECOND / 500, host, Sysmon.processTerminate, [DASH, ...whichProcess(ticks, process)], SYSMON);
}

/** A process looks up a name and connects to it. */
export function connection(
  world: World,
  ticks: number,
  process: Process,
  name: string,
  ip: string,
  port: number,
): void {
  const { host } = process.session;
  const [time, guid, id, image] = whichProcess(ticks, process) as [TypedValue, TypedValue, TypedValue, TypedValue];
  if (name !== '') {
    const results = value.string(`::ffff:${ip};`);
    const query = [DASH, time, guid, id, value.string(name), value.string('0'), results, image];
    world.emit(ticks, host, Sysmon.dnsQuery, query, SYSMON);
  }
  world.emit(
    ticks + SECOND / 50,
    host,
    Sysmon.networkConnect,
    [
      DASH,
      time,
      guid,
      id,
      image,
      userOf(process.session),
      value.string('tcp'),
      value.bool(true),
      value.bool(false),
      value.string(host.ip),
      value.string(host.fullName),
      value.uint16(world.random.between(49_152, 65_535)),
      EMPTY,
      value.bool(false),
      value.string(ip),
      value.string(name),
      value.uint16(port),
      value.string(port === 443 ? 'https' : ''),
    ],
    SYSMON,
  );
}

/** Somebody uses a program: it starts, talks, writes, ends. */
export function programUse(world: World, ticks: number): void {
  const { random } = world;
  const host = world.workstation();
  const session = world.session(host, host.owner);
  const parent = world.process(session, EXPLORER);
  const process = world.process(session, random.pick(PROGRAMS));
  const { program } = process;
  processStart(world, ticks, process, parent);
  let at = ticks;
  for (let i = random.between(0, 3); i > 0 && program.talksTo.length > 0; i--) {
    at = world.later(at, MINUTE);
    const name = random.pick(program.talksTo);
    connection(world, at, process, name, addressOf(name), 443);
  }
  for (let i = random.between(0, 2); i > 0 && program.writes.length > 0; i--) {
    at = world.later(at, MINUTE);
    const target = value.string(random.pick(program.writes).replace('{}', String(random.between(1, 400))));
    world.emit(at, host, Sysmon.fileCreate, [DASH, ...whichProcess(at, process), target, utcTime(at)], SYSMON);
  }
  if (random.chance(0.15)) {
    at = world.later(at, SECOND);
    const key = `HKU\\${session.account.sidText}\\Software\\${program.company}\\${program.description}\\LastRun`;
    const details = value.string(`QWORD (0x00000000-0x${random.hex(8).toLowerCase()})`);
    const values = [DASH, value.string('SetValue'), ...whichProcess(at, process), value.string(key), details];
    world.emit(at, host, Sysmon.registryValue, values, SYSMON);
  }
  processEnd(world, world.later(at, 40 * MINUTE), process);
}

/** A service host or a scheduled task's program comes and goes. */
export function backgroundWork(world: World, ticks: number): void {
  const { random } = world;
  const host = world.host();
  const parent = world.services(host);
  const process = world.process(parent.session, SERVICE_HOST);
  processStart(world, ticks, process, parent);
  processEnd(world, world.later(ticks, 10 * MINUTE), process, random.chance(0.02) ? 0xc000_0005 : 0);
}

const TASKS = ['Fjordlight\\Nightly Backup', 'Fjordlight\\Inventory', 'Microsoft\\Windows\\Defrag\\ScheduledDefrag'];

export function scheduledTask(world: World, ticks: number): void {
  const { random } = world;
  const host = world.host();
  const name = value.string(`\\${random.pick(TASKS)}`);
  const instance = value.guidOf(random.uuidBytes());
  const action = value.string('C:\\Windows\\System32\\cmd.exe');
  const end = world.later(ticks + SECOND, 5 * MINUTE);
  const rest = { processId: 1340, userSid: 'S-1-5-18', activityId: random.uuid() };
  world.emit(ticks, host, Operational.actionStarted, [name, action, instance], rest);
  const result = value.uint32(random.chance(0.05) ? 2_147_942_402 : 0);
  world.emit(end, host, Operational.actionCompleted, [name, instance, action, result], rest);
}

const SCRIPTS = [
  'Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version, LastBootUpTime',
  "Get-ChildItem '\\\\FILES1\\projects' -Recurse -File |\r\n  Group-Object Extension |\r\n  Sort-Object Count -Descending |\r\n  Select-Object -First 20 Count, Name",
  'param([int]$Run)\r\n$path = Join-Path \'C:\\ProgramData\\Fjordlight\\runs\' "run-$Run.dat"\r\nif (Test-Path $path) {\r\n  $bytes = [IO.File]::ReadAllBytes($path)\r\n  \'{0}: {1:N0} bytes, first marker {2:X2}\' -f $Run, $bytes.Length, $bytes[0]\r\n} else {\r\n  Write-Warning "run $Run has left no data"\r\n}',
  "foreach ($service in 'Fjordlight Calibration Agent', 'Fjordlight Backup') {\r\n  $state = (Get-Service -DisplayName $service).Status\r\n  if ($state -ne 'Running') { Start-Service -DisplayName $service }\r\n}",
];

/** An administrator's script: its start and the text of its blocks. */
export function adminScript(world: World, ticks: number): void {
  const { random } = world;
  const host = world.host();
  const session = host.owner.admin ? world.session(host, host.owner) : world.systemSession(host);
  const process = world.process(session, POWERSHELL);
  processStart(world, ticks, process, world.services(host));
  let at = ticks;
  for (let i = random.between(1, 3); i > 0; i--) {
    at = world.later(at, 5 * SECOND);
    scriptBlock(world, at, process, random.pick(SCRIPTS));
  }
  processEnd(world, world.later(at, MINUTE), process);
}

export function scriptBlock(world: World, ticks: number, process: Process, text: string, suspicious = false): void {
  const { host, account } = process.session;
  const kind = suspicious ? Operational.suspiciousScriptBlock : Operational.scriptBlock;
  const { random } = world;
  const values = [value.int32(1), value.int32(1), value.string(text), value.string(random.uuid()), EMPTY];
  const rest = { processId: process.id, userSid: account.sidText, activityId: random.uuid() };
  world.emit(ticks, host, kind, values, rest);
}

/** The address of a name: always the same, in the ranges that are reserved for documentation. */
export function addressOf(name: string): string {
  const own = HOSTS.find((host: Host) => host.fullName.toLowerCase() === name);
  if (own !== undefined) return own.ip;
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.charCodeAt(0)) % 253;
  return `198.51.100.${sum + 1}`;
}

const hashes = new Map<string, string>();

/** An invented file hash: the same for the same image, and no real file's. */
function hashOf(image: string): string {
  let text = hashes.get(image);
  if (text === undefined) {
    let state = 7;
    text = '';
    for (let i = 0; i < 64; i++) {
      state = (Math.imul(state, 1_103_515_245) + image.charCodeAt(i % image.length) + 12_345) >>> 0;
      text += (state >>> 28).toString(16).toUpperCase();
    }
    hashes.set(image, text);
  }
  return text;
}
