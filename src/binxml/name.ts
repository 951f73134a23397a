/** XML 1.0 Name, ASCII fast path; the colon is allowed because prefixes are stored as part of the name. */
const ASCII_NAME = /^[A-Za-z_:][A-Za-z0-9_:.-]*$/;
// NameStartChar and NameChar of XML 1.0, fifth edition. Not the letters of Unicode: U+00AA and U+00B5 are none of XML's.
const START =
  ':A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef' +
  '\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const NAME_START = new RegExp(`^[${START}]$`, 'u');
const NAME_PART = new RegExp(`^[${START}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]$`, 'u');

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
