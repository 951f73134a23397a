import { isIPv6 } from 'node:net';

const MAX_PORT = 0xffff;

/** Which forms there are, for whoever has given none of them. */
export const HOST_FORMS = 'HOST, HOST:PORT or [ADDRESS]:PORT';

export interface HostAndPort {
  readonly host: string;
  /** Undefined: its endpoint mapper is to be asked. */
  readonly port: number | undefined;
}

/** Reads `host`, `host:port`, `[address]`, `[address]:port` or a bare IPv6 address. @returns undefined for anything else */
export function hostAndPort(text: string): HostAndPort | undefined {
  // An address of many colons, without brackets, has no port.
  if (isIPv6(text)) return { host: text, port: undefined };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || port === 0 || (port !== undefined && port > MAX_PORT)) return undefined;
  return { host, port };
}
