import type { Syntax } from './bind.ts';

/** What is spoken on these connections, in the order of the wire. */

/** IEventService 1.0 (MS-EVEN6). */
export const EVENT_SERVICE: Syntax = { uuid: 'f7afbef6191ebb4f9f8fb89e2018337c', major: 1, minor: 0 };
/** The endpoint mapper (C706). */
export const ENDPOINT_MAPPER: Syntax = { uuid: '0883afe11f5dc91191a408002b14a0fa', major: 3, minor: 0 };
/** Remote management (C706). */
export const MANAGEMENT: Syntax = { uuid: '80bda8af8a7dc911bef408002b102989', major: 1, minor: 0 };

export const NDR: Syntax = { uuid: '045d888aeb1cc9119fe808002b104860', major: 2, minor: 0 };
export const NDR64: Syntax = { uuid: '33057171babe37498319b5dbef9ccc36', major: 1, minor: 0 };

/** Asks for features: the last eight bytes of the UUID begin with a mask of them. */
const FEATURE_PREFIX = '2c1cb76c12984045';

export const Feature = { securityContextMultiplexing: 1, keepConnectionOnOrphan: 2 } as const;

export function featureSyntax(mask: number): Syntax {
  const digits = mask.toString(16).padStart(2, '0');
  return { uuid: `${FEATURE_PREFIX}${digits}${'0'.repeat(14)}`, major: 1, minor: 0 };
}

/** The features a syntax asks for; undefined when it is none of that kind. */
export function featuresOf({ uuid }: Syntax): number | undefined {
  return uuid.startsWith(FEATURE_PREFIX) ? Number.parseInt(uuid.slice(16, 18), 16) : undefined;
}
