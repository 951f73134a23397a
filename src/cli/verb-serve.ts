import { LOGS, STORE, type VerbSpec } from './verb-spec.ts';

const WHAT = 'What to serve:';
const WHERE = 'Where to listen:';
const WHO = 'Who may come in:';
const USERS = 'To add a user:';

/** The verb that serves logs to other computers. */
export const SERVE_VERB: VerbSpec = {
  verb: 'serve',
  names: ['serve'],
  summary: 'serve event logs to other computers, as a Windows machine does (MS-EVEN6)',
  options: [
    { ...STORE, group: WHAT },
    { ...LOGS, group: WHAT },
    {
      long: 'export-folder',
      group: WHAT,
      names: [],
      kind: 'value',
      placeholder: 'DIR',
      file: true,
      help: 'folder in which clients may write exports and backups, and query files; without it they may not',
    },
    {
      long: 'listen',
      group: WHERE,
      names: [],
      kind: 'value',
      placeholder: 'ADDRESS',
      help: 'address to listen on (default: 127.0.0.1, which only this computer reaches)',
    },
    {
      long: 'port',
      group: WHERE,
      names: [],
      kind: 'value',
      placeholder: 'N',
      help: 'TCP port of the event logs (default: any that is free)',
    },
    {
      long: 'epm-port',
      group: WHERE,
      names: [],
      kind: 'value',
      placeholder: 'N',
      help: 'TCP port of the endpoint mapper: Windows’ own tools ask on 135; default: there is none',
    },
    {
      long: 'users',
      group: WHO,
      names: [],
      kind: 'value',
      placeholder: 'FILE',
      file: true,
      help: 'file of users, as --add-user makes it',
    },
    {
      long: 'protection',
      group: WHO,
      names: [],
      kind: 'value',
      placeholder: 'LEVEL',
      choices: ['integrity', 'privacy'],
      help: 'least protection of what is said: integrity (signed, the default) or privacy (encrypted)',
    },
    {
      long: 'anonymous-read',
      group: WHO,
      names: [],
      kind: 'switch',
      help: 'lets anybody who reaches the port read all channels, without saying who it is',
    },
    {
      long: 'max-connections',
      group: WHO,
      names: [],
      kind: 'value',
      placeholder: 'N',
      help: 'connections at the same time (default: 512; half of them from one address)',
    },
    {
      long: 'idle-timeout',
      group: WHO,
      names: [],
      kind: 'value',
      placeholder: 'SECONDS',
      help: 'after which a connection that has nothing open is closed (default: 900)',
    },
    {
      long: 'add-user',
      group: USERS,
      names: [],
      kind: 'value',
      placeholder: 'NAME',
      help: 'adds a user to the file of users, or replaces one, and ends; asks for the password, or takes it from WINEVT_PASSWORD',
    },
    {
      long: 'password-fd',
      group: USERS,
      names: [],
      kind: 'value',
      placeholder: 'N',
      help: 'reads the password from this file descriptor (0: standard input)',
    },
    {
      long: 'rights',
      group: USERS,
      names: [],
      kind: 'value',
      placeholder: 'LIST',
      many: true,
      help: 'read, write, clear, with commas; of some channels: read:App*. May stand more than once (default: read)',
    },
    {
      long: 'administrator',
      group: USERS,
      names: [],
      kind: 'switch',
      help: 'the user may change the properties of channels',
    },
  ],
  examples: [
    ['winevt serve --add-user alice --users users.json --rights read,clear', 'somebody who may log on'],
    ['winevt serve --logs ./Logs --users users.json --port 4913', 'a folder of logs, for clients on this computer'],
    ['winevt qe Security /r:127.0.0.1:4913 /u:alice /c:3 /f:text', 'what such a client asks'],
    [
      'winevt serve --listen 0.0.0.0 --epm-port 135 --users users.json --protection privacy',
      'for Windows’ own tools on other computers',
    ],
  ],
};
