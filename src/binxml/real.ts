/**
 * Text of a floating-point value: the shortest decimal that reads back as the same number, without exponent.
 * No rendering by Windows is known for these types; infinities and NaN follow the C run-time's old style that
 * Event Viewer has been seen to print.
 */
export function realText(value: number, bits: 32 | 64): string {
  if (Number.isNaN(value)) return '-1.#IND';
  if (value === Number.POSITIVE_INFINITY) return '1.#INF';
  if (value === Number.NEGATIVE_INFINITY) return '-1.#INF';
  if (Object.is(value, -0)) return '-0';
  return withoutExponent(bits === 32 ? shortestFloat32(value) : String(value));
}

/** A single has at most nine significant digits; the first count that rounds back to it is the shortest. */
function shortestFloat32(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

const EXPONENT_FORM = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

function withoutExponent(text: string): string {
  const match = EXPONENT_FORM.exec(text);
  if (match === null) return text;
  const [, sign, first, rest = '', power] = match;
  const digits = `${first}${rest}`;
  const point = 1 + Number(power);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}
