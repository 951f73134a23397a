import { runAsynchronous } from '../service/calls.ts';
import { callSaveChannelConfig } from '../service/log-calls.ts';
import {
  type ChannelConfig,
  ChannelIsolation,
  type ChannelProperty,
  ChannelType,
  changedConfig,
  logMode,
} from '../store/channel-config.ts';
import type { Channel } from '../store/store-configuration.ts';

/** What happens when a log is full (.NET's EventLogMode). */
export type EventLogMode = 'Circular' | 'AutoBackup' | 'Retain';
export type EventLogType = 'Administrative' | 'Operational' | 'Analytical' | 'Debug';
export type EventLogIsolation = 'Application' | 'System' | 'Custom';

const TYPES: Readonly<Record<number, EventLogType>> = {
  [ChannelType.admin]: 'Administrative',
  [ChannelType.operational]: 'Operational',
  [ChannelType.analytic]: 'Analytical',
  [ChannelType.debug]: 'Debug',
};
const ISOLATIONS: Readonly<Record<number, EventLogIsolation>> = {
  [ChannelIsolation.application]: 'Application',
  [ChannelIsolation.system]: 'System',
  [ChannelIsolation.custom]: 'Custom',
};

const API = 'EventLogConfiguration';

/**
 * A channel's properties, under .NET's names. Changes are kept here until {@link saveChanges}.
 * Setters throw EvtError ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023), ERROR_ACCESS_DENIED (5).
 */
export class EventLogConfiguration {
  readonly #session: number | null;
  readonly logName: string;
  readonly #file: string;
  #config: ChannelConfig;

  /** @internal Use {@link EventLogSession.getLogConfiguration}. */
  constructor(session: number | null, { name, file, config }: Channel) {
    this.#session = session;
    this.logName = name;
    this.#file = file;
    this.#config = config;
  }

  /** All properties, by the names of EVT_CHANNEL_CONFIG_PROPERTY_ID. */
  get properties(): ChannelConfig {
    return this.#config;
  }

  /** Changes a property by its name. */
  set(property: ChannelProperty, value: unknown): void {
    this.#config = changedConfig(this.#config, this.logName, property, value, API);
  }

  get isEnabled(): boolean {
    return this.#config.enabled;
  }

  set isEnabled(enabled: boolean) {
    this.set('enabled', enabled);
  }

  /** Bytes; a new value is rounded up to 64 KiB, and at least 1 MiB. */
  get maximumSizeInBytes(): number {
    return this.#config.maxSize;
  }

  set maximumSizeInBytes(bytes: number) {
    this.set('maxSize', bytes);
  }

  get logMode(): EventLogMode {
    const mode = logMode(this.#config);
    return mode === 'circular' ? 'Circular' : mode === 'retain' ? 'Retain' : 'AutoBackup';
  }

  set logMode(mode: EventLogMode) {
    this.set('retention', mode !== 'Circular');
    this.set('autoBackup', mode === 'AutoBackup');
  }

  get logFilePath(): string {
    return this.#file;
  }

  get logType(): EventLogType {
    return TYPES[this.#config.type] ?? 'Administrative';
  }

  get logIsolation(): EventLogIsolation {
    return ISOLATIONS[this.#config.isolation] ?? 'Custom';
  }

  get isClassicLog(): boolean {
    return this.#config.classicEventlog;
  }

  get owningProviderName(): string {
    return this.#config.owningPublisher;
  }

  /** Security descriptor, in SDDL. It is kept and shown; who may do what is up to the file system. */
  get securityDescriptor(): string {
    return this.#config.access;
  }

  set securityDescriptor(sddl: string) {
    this.set('access', sddl);
  }

  /**
   * Keeps the changes.
   * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023) for values that contradict each other, ERROR_ACCESS_DENIED
   *   (5) for a folder that is no store
   */
  async saveChanges(): Promise<void> {
    await runAsynchronous(callSaveChannelConfig(this.#session, this.logName, this.#config, API));
  }
}
