import { value } from '../binxml/typed-value.ts';

/*
 * An invented company. Its domain is under .example, its addresses are private or reserved for documentation
 * (RFC 2606, RFC 5737): nothing here points at anybody.
 */

export const DOMAIN = 'FJORDLIGHT';
export const DNS_DOMAIN = 'fjordlight.example';
const DOMAIN_SID = 'S-1-5-21-2718281828-3141592653-1618033988';

/** An account, with the values that its events repeat. */
export interface Account {
  readonly name: string;
  readonly domain: string;
  readonly sidText: string;
  readonly admin: boolean;
}

function account(name: string, rid: number, admin = false): Account {
  return { name, domain: DOMAIN, sidText: `${DOMAIN_SID}-${rid}`, admin };
}

export const SYSTEM_ACCOUNT: Account = { name: 'SYSTEM', domain: 'NT AUTHORITY', sidText: 'S-1-5-18', admin: true };
export const NOBODY: Account = { name: '-', domain: '-', sidText: 'S-1-0-0', admin: false };

export const PEOPLE: readonly Account[] = [
  'astrid.holm',
  'bjarne.lund',
  'camilla.strand',
  'dagny.berg',
  'einar.vik',
  'frida.nygaard',
  'gunnar.solheim',
  'hanne.moe',
  'ivar.brekke',
  'jorunn.dahl',
  'kasper.aas',
  'live.torp',
].map((name, i) => account(name, 1104 + i, i < 2));

export const SERVICE_ACCOUNTS: readonly Account[] = ['svc-backup', 'svc-calibration', 'svc-web'].map((name, i) =>
  account(name, 1201 + i, name === 'svc-backup'),
);

/** A machine whose events the log holds. */
export interface Host {
  readonly name: string;
  readonly fullName: string;
  readonly ip: string;
  readonly role: 'domain controller' | 'server' | 'workstation';
  /** Who sits at it, or whose services run on it. */
  readonly owner: Account;
  /** The machine's own account. */
  readonly self: Account;
}

function host(name: string, lastByte: number, role: Host['role'], owner: Account): Host {
  return {
    name,
    fullName: `${name}.${DNS_DOMAIN}`,
    ip: `10.20.${role === 'workstation' ? 30 : 10}.${lastByte}`,
    role,
    owner,
    self: { name: `${name}$`, domain: DOMAIN, sidText: 'S-1-5-18', admin: true },
  };
}

export const DOMAIN_CONTROLLER = host('DC1', 5, 'domain controller', PEOPLE[0]!);
export const FILE_SERVER = host('FILES1', 11, 'server', SERVICE_ACCOUNTS[0]!);
export const WEB_SERVER = host('WEB1', 12, 'server', SERVICE_ACCOUNTS[2]!);
export const LAB_SERVER = host('LAB1', 13, 'server', SERVICE_ACCOUNTS[1]!);
export const SERVERS: readonly Host[] = [DOMAIN_CONTROLLER, FILE_SERVER, WEB_SERVER, LAB_SERVER];
export const WORKSTATIONS: readonly Host[] = PEOPLE.map((person, i) =>
  host(`WS-${person.name.split('.')[1]!.toUpperCase()}`, 101 + i, 'workstation', person),
);
export const HOSTS: readonly Host[] = [...SERVERS, ...WORKSTATIONS];

/** A program that people or the system start. */
export interface Program {
  readonly image: string;
  readonly description: string;
  readonly company: string;
  readonly version: string;
  /** Arguments; `{}` stands for something that differs from start to start. */
  readonly commands: readonly string[];
  /** Names it looks up. */
  readonly talksTo: readonly string[];
  /** Files it writes; `{}` as above. */
  readonly writes: readonly string[];
}

const MICROSOFT = 'Microsoft Corporation';
const WINDOWS_VERSION = '10.0.22621.2506';

function windowsProgram(name: string, description: string, commands: readonly string[]): Program {
  const image = name === 'explorer.exe' ? 'C:\\Windows\\explorer.exe' : `C:\\Windows\\System32\\${name}`;
  return { image, description, company: MICROSOFT, version: WINDOWS_VERSION, commands, talksTo: [], writes: [] };
}

export const EXPLORER = windowsProgram('explorer.exe', 'Windows Explorer', ['']);
export const SERVICES = windowsProgram('services.exe', 'Services and Controller app', ['']);
export const SERVICE_HOST = windowsProgram('svchost.exe', 'Host Process for Windows Services', [
  '-k netsvcs -p -s Schedule',
  '-k LocalService -p -s nsi',
  '-k NetworkService -p -s Dnscache',
]);
export const SHELL = windowsProgram('cmd.exe', 'Windows Command Processor', ['/c dir \\\\FILES1\\projects', '/c ver']);
export const POWERSHELL: Program = {
  ...windowsProgram('WindowsPowerShell\\v1.0\\powershell.exe', 'Windows PowerShell', [
    '-NoProfile -File C:\\Scripts\\inventory.ps1 -Batch {}',
    '-NoProfile -Command "Get-CalibrationRun -Id {}"',
  ]),
  talksTo: [`lab1.${DNS_DOMAIN}`],
};

export const PROGRAMS: readonly Program[] = [
  {
    image: 'C:\\Program Files\\Skerry\\Browser\\skerry.exe',
    description: 'Skerry Browser',
    company: 'Skerry Software',
    version: '118.0.4.2',
    commands: ['', '--tab https://intranet.fjordlight.example/page/{}', '--type=renderer --client-id={}'],
    talksTo: [`intranet.${DNS_DOMAIN}`, 'weather.example.net', 'news.example.org', 'maps.example.com'],
    writes: ['C:\\Users\\Public\\Downloads\\report-{}.pdf'],
  },
  {
    image: 'C:\\Program Files\\Skerry\\Office\\ledger.exe',
    description: 'Skerry Ledger',
    company: 'Skerry Software',
    version: '16.2.0.911',
    commands: ['"\\\\FILES1\\projects\\budget-{}.ledger"', '/new'],
    talksTo: ['licence.example.net'],
    writes: ['C:\\Users\\Public\\Documents\\~budget-{}.tmp'],
  },
  {
    image: 'C:\\Program Files\\Fjordlight\\Calibration\\calib.exe',
    description: 'Fjordlight Calibration Bench',
    company: 'Fjordlight Instruments',
    version: '4.7.1.0',
    commands: ['--device FL-{} --mode automatic', '--device FL-{} --mode verify'],
    talksTo: [`lab1.${DNS_DOMAIN}`],
    writes: ['C:\\ProgramData\\Fjordlight\\runs\\run-{}.dat'],
  },
  {
    image: 'C:\\Program Files\\Tern\\tern.exe',
    description: 'Tern Mail and Chat',
    company: 'Tern AS',
    version: '9.3.22.0',
    commands: ['', '--notify {}'],
    talksTo: [`mail.${DNS_DOMAIN}`, 'push.example.com'],
    writes: [],
  },
  windowsProgram('notepad.exe', 'Notepad', ['C:\\Users\\Public\\Documents\\notes-{}.txt', '']),
  windowsProgram('mmc.exe', 'Microsoft Management Console', ['eventvwr.msc', 'services.msc']),
  windowsProgram('taskhostw.exe', 'Host Process for Windows Tasks', ['', 'KEYROAMING']),
  SHELL,
];

/** Windows services: display names that the service control manager reports. */
export const SERVICE_NAMES: readonly string[] = [
  'Windows Update',
  'Background Intelligent Transfer Service',
  'Windows Modules Installer',
  'Software Protection',
  'WinHTTP Web Proxy Auto-Discovery Service',
  'Fjordlight Calibration Agent',
  'Fjordlight Backup',
  'Print Spooler',
];

/** An account's SID as a value. */
export function sidOf({ sidText }: Account): ReturnType<typeof value.sid> {
  let known = sids.get(sidText);
  if (known === undefined) {
    known = value.sid(sidText);
    sids.set(sidText, known);
  }
  return known;
}
const sids = new Map<string, ReturnType<typeof value.sid>>();
