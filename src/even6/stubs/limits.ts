/** Bounds of the interface (MS-EVEN6 2.2, 3.1.4). Strings in UTF-16 units, their terminator included; the rest in bytes or elements. */
export const MAX_PAYLOAD = 2_097_152;
export const MAX_STRING = 1_048_576;
export const MAX_CHANNEL_NAME = 512;
export const MAX_PATH = 32_768;
export const MAX_PUBLISHER_ID = 2_048;
export const MAX_QUERY_CHANNELS = 512;
export const MAX_EVENT_ID = 256;
export const MAX_RECORDS = 1_024;
export const MAX_NAMES = 8_192;
export const MAX_EVENT_METADATA = 256;
export const MAX_VARIANTS = 256;
export const MAX_BOOLEANS = 524_288;
export const MAX_UINT32S = 524_288;
export const MAX_UINT64S = 262_144;
export const MAX_STRINGS = 4_096;
export const MAX_GUIDS = 131_072;
/** "No time-out". */
export const INFINITE = 0xffff_ffff;
