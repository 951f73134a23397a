/** XML 1.0 Name, ASCII fast path; the colon is allowed because prefixes are stored as part of the name. */
const ASCII_NAME = /^[A-Za-z_:][A-Za-z0-9_:.-]*$/;
const NAME_START = /^[:_\p{L}\p{Nl}]$/u;
const NAME_PART = /^[:_\p{L}\p{Nl}\p{Nd}\p{M}.\-·‿⁀]$/u;

/**
 * `name` if it is an XML name, else with each offending character as `_xHHHH_`: output stays well formed whatever a
 * log claims, and the original can be told. Undefined for an empty name.
 */
export function xmlName(name: string): string | undefined {
  if (ASCII_NAME.test(name)) return name;
  if (name === '') return undefined;
  let safe = '';
  for (const char of name) {
    const fits = safe === '' ? NAME_START.test(char) : NAME_PART.test(char);
    safe += fits ? char : `_x${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}_`;
  }
  return safe;
}
