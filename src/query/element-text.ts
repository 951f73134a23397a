/**
 * The text of an XML element, and where each of its characters stands in the source: entities, CDATA, comments and
 * line ends make the two drift apart, and an error has to point into what the person wrote.
 */
export class ElementText {
  #text = '';
  /** From text index `text` on, source offset `source` and further, one to one; ascending. */
  readonly #runs: { readonly text: number; readonly source: number }[] = [];
  #end = 0;

  /** Adds character data that starts at source offset `start`; `raw` is how the source spells it. */
  add(text: string, raw: string, start: number, kind: 'text' | 'cdata'): void {
    const units = kind === 'text' ? /&[^;]*;|\r\n/g : /\r\n/g;
    let at = this.#text.length;
    let source = 0;
    this.#runs.push({ text: at, source: start });
    for (const unit of raw.matchAll(units)) {
      at += unit.index - source;
      this.#runs.push({ text: at, source: start + unit.index });
      source = unit.index + unit[0].length;
      at += unit[0].startsWith('&#') && isAstral(unit[0]) ? 2 : 1;
      this.#runs.push({ text: at, source: start + source });
    }
    this.#text += text;
    this.#end = start + raw.length;
  }

  get text(): string {
    return this.#text;
  }

  /** Source offset of a text index; the end of the text is the end of the last piece. */
  locate = (index: number): number => {
    if (index >= this.#text.length) return this.#end;
    let low = 0;
    let high = this.#runs.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle]?.text ?? 0) <= index) low = middle;
      else high = middle;
    }
    const run = this.#runs[low];
    return run === undefined ? this.#end : run.source + index - run.text;
  };

  /** Where the text ends up when it stays empty. */
  startAt(offset: number): void {
    this.#end = offset;
  }
}

/** A character reference beyond U+FFFF is two UTF-16 units. */
function isAstral(reference: string): boolean {
  const digits = reference.slice(2, -1);
  const code = digits.startsWith('x') ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  return code > 0xffff;
}
