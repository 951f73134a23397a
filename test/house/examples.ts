/** A fenced block of a page that is run as a test. */
export interface Example {
  readonly language: string;
  readonly code: string;
  /** What it prints, from the `text` block right behind it; undefined when the page does not show it. */
  readonly output: string | undefined;
  /** Line of the page where its code begins, from 1. */
  readonly line: number;
}

const MARK = '<!-- test -->';
const FENCE = /^```([a-z]+)$/;

/** A line of a shown output that stands for any number of lines. */
const LEFT_OUT = '…';

/**
 * The blocks of a Markdown page that a line `<!-- test -->` precedes. Blank lines may stand between mark, block and output.
 * @throws Error for a mark that no block follows, and for a block that does not end
 */
export function examplesOf(page: string): Example[] {
  const lines = page.split(/\r?\n/);
  const afterBlanks = (from: number) => {
    let at = from;
    while (lines[at]?.trim() === '') at++;
    return at;
  };
  const block = (at: number) => {
    const language = FENCE.exec(lines[at] ?? '')?.[1];
    if (language === undefined) return undefined;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block does not end`);
    return { language, text: lines.slice(at + 1, end).join('\n'), end };
  };
  const examples: Example[] = [];
  for (const [at, line] of lines.entries()) {
    if (line.trim() !== MARK) continue;
    const start = afterBlanks(at + 1);
    const code = block(start);
    if (code === undefined) throw new Error(`line ${at + 1}: no block follows the mark`);
    const shown = block(afterBlanks(code.end + 1));
    const output = shown?.language === 'text' ? shown.text : undefined;
    examples.push({ language: code.language, code: code.text, output, line: start + 2 });
  }
  return examples;
}

/** A pattern of what may be printed where a page shows this output; a line `…` stands for any lines, blanks at line ends do not count. */
export function outputPattern(output: string): RegExp {
  const lines = output.trimEnd().split('\n');
  const patterns = lines.map((line) =>
    line.trim() === LEFT_OUT ? '(?:.*\\n)*' : `${line.trimEnd().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}[ \\t]*\\n`,
  );
  return new RegExp(`^${patterns.join('')}$`);
}
