/** What to do with characters that XML 1.0 forbids (control characters, unpaired surrogates, U+FFFE, U+FFFF). */
export type InvalidCharacters = 'replace' | 'keep';

const TEXT_SPECIAL = /[&<>]/;
const ATTRIBUTE_SPECIAL = /[&<>"']/;
// Everything outside Char of XML 1.0; lone surrogates by look-around, so that pairs stay whole.
const FORBIDDEN =
  /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const SUSPECT = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;

/** `text` with what XML forbids replaced, when that is the policy. Nothing is escaped. */
export function allowed(text: string, policy: InvalidCharacters): string {
  return policy === 'replace' && SUSPECT.test(text) ? text.replace(FORBIDDEN, '\ufffd') : text;
}

/** Element text as Windows writes it: `&`, `<` and `>` escaped, quotes and line breaks as they are. */
export function escapeText(text: string, policy: InvalidCharacters): string {
  const safe = allowed(text, policy);
  if (!TEXT_SPECIAL.test(safe)) return safe;
  return safe.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Text of an attribute in single quotes: both quotes are escaped as well. */
export function escapeAttribute(text: string, policy: InvalidCharacters): string {
  const safe = allowed(text, policy);
  if (!ATTRIBUTE_SPECIAL.test(safe)) return safe;
  return escapeText(safe, 'keep').replaceAll('"', '&quot;').replaceAll("'", '&apos;');
}

/** True when a character reference may stand in XML 1.0. */
export function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return (code < 0xd800 || code > 0xdfff) && code !== 0xfffe && code !== 0xffff;
}

const XML_ENTITY = /^(?:amp|lt|gt|quot|apos)$/;

/** True for the entities that XML defines by itself: any other makes a document without a DTD malformed. */
export function isXmlEntity(name: string): boolean {
  return XML_ENTITY.test(name);
}

const RESERVED_TARGET = /^xml$/i;

/** True when XML keeps the target of a processing instruction for its own declaration. */
export function isReservedTarget(target: string): boolean {
  return RESERVED_TARGET.test(target);
}
