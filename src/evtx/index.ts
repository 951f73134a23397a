/**
 * `winevt/evtx`: log files as bytes, in both directions, without files, clocks or Node: it runs in a browser as it is.
 */
export { BinXmlError } from '../binxml/error.ts';
export type * from '../binxml/event-tree.ts';
export { resolveDocument } from '../binxml/resolve.ts';
export {
  CLASSIC_EVENT_DATA,
  type DataField,
  defineTemplate,
  element,
  emptyElement,
  eventDataTemplate,
  instance,
  optional,
  substitution,
} from '../binxml/template-builder.ts';
export type * from '../binxml/tree.ts';
export { type TypedValue, value } from '../binxml/typed-value.ts';
export { CURRENT_STYLE, type ValueStyle, type Variant, valueText, valueVariant } from '../binxml/value.ts';
export { ValueType } from '../binxml/value-type.ts';
export { EvtError } from '../errors/evt-error.ts';
export { Chunk, hasChunkMagic, type RecordPlace, type WalkOptions } from './chunk.ts';
export { type Damage, damageText } from './damage.ts';
export { type EventBody, EventBuilder, type EventProvider, type SystemFields } from './event-builder.ts';
export { type FileHeader, hasFileMagic, readFileHeader } from './file-header.ts';
export { EvtxFileWriter, type LogSink, type LogSummary, type LogWriterOptions } from './file-writer.ts';
export { CHUNK_SIZE, HEADER_BLOCK_SIZE } from './layout.ts';
export { type Verification, verifyLog } from './verify.ts';
