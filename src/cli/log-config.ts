import type { ChannelProperty, EventLogConfiguration } from '../index.ts';
import { configText, configXml, parseConfigXml, propertyOfText } from '../store/channel-config-text.ts';
import { UsageError } from './failure.ts';
import { printableLines } from './format/printable.ts';
import type { SessionFlags } from './open-session.ts';
import { readTextFile } from './text-file.ts';
import { withSession } from './with-session.ts';

const API = 'winevt sl';

export interface GetLogOptions extends SessionFlags {
  readonly format?: string;
}

/** `winevt gl`: a channel's properties. */
export async function getLog(channel: string, options: GetLogOptions): Promise<number> {
  const format = (options.format ?? 'text').toLowerCase();
  if (format !== 'text' && format !== 'xml') throw new UsageError(`/f: "${options.format}" is neither text nor xml`);
  return withSession(options, async (session) => {
    const { logName, properties, logFilePath } = await session.getLogConfiguration(channel);
    const print = format === 'xml' ? configXml : configText;
    process.stdout.write(printableLines(print(logName, properties, logFilePath)));
  });
}

/** Options of `sl` that change a property. */
const CHANGES: Readonly<Record<string, ChannelProperty>> = {
  enabled: 'enabled',
  isolation: 'isolation',
  logfilename: 'logFilePath',
  retention: 'retention',
  autobackup: 'autoBackup',
  maxsize: 'maxSize',
  level: 'level',
  keywords: 'keywords',
  channelaccess: 'access',
  filemax: 'fileMax',
};

export type SetLogOptions = SessionFlags & Readonly<Record<string, string | boolean | undefined>>;

/** `winevt sl`: changes a channel's properties, by options or by a file that `gl /f:xml` has written. */
export async function setLog(channel: string | undefined, options: SetLogOptions): Promise<number> {
  const { config } = options as { config?: string };
  const given = Object.entries(CHANGES).filter(([name]) => options[name] !== undefined);
  if (config !== undefined && (channel !== undefined || given.length > 0)) {
    throw new UsageError('/c takes the channel and its properties from the file: name neither beside it');
  }
  if (config === undefined && (channel === undefined || given.length === 0)) {
    throw new UsageError('name a channel and what to change (winevt sl --help shows how)');
  }
  return withSession(options, async (session) => {
    const wanted =
      config === undefined
        ? { name: channel!, changes: given.map(([name, property]) => [property, String(options[name])] as const) }
        : parseConfigXml(readTextFile(config), API);
    const log = await session.getLogConfiguration(wanted.name);
    for (const [property, text] of inOrder(wanted.changes)) change(log, property, text);
    await log.saveChanges();
  });
}

/** A new isolation brings its own access: one that is given beside it comes behind. */
function inOrder<T extends readonly [ChannelProperty, string]>(changes: readonly T[]): T[] {
  return [...changes].sort(([a], [b]) => Number(b === 'isolation') - Number(a === 'isolation'));
}

function change(log: EventLogConfiguration, property: ChannelProperty, text: string): void {
  const value = propertyOfText(property, text, API);
  // What a configuration file repeats is no change.
  if (property === 'logFilePath' ? value !== log.logFilePath : value !== log.properties[property])
    log.set(property, value);
}
