/** What logs hold is not to be trusted: an escape sequence in a value would command the terminal that shows it. */
const CONTROL = /(?!\n)\p{Cc}/gu;
const LINE_END = /\r\n?|\u0085/g;

/** Text of any number of lines without control characters: line ends are line feeds, a tab is a blank, others are U+FFFD. */
export function printableLines(text: string): string {
  return text.replaceAll(LINE_END, '\n').replaceAll('\t', ' ').replaceAll(CONTROL, '\ufffd');
}

/** Text as one line: runs of white space and control characters are a blank. */
export function printableLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}
