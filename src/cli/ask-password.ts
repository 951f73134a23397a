import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { UsageError } from './failure.ts';

/** Where passwords are taken from without asking. */
export const PASSWORD_VARIABLE = 'WINEVT_PASSWORD';
const TERMINAL = '/dev/tty';
const ENTER = ['\r', '\n'];
const BACKSPACE = ['\x7f', '\b'];
const INTERRUPTS = ['\x03', '\x04'];

/** Asks on the terminal, wherever input and output go, and shows nothing of what is typed. @throws UsageError without a terminal */
export async function askPassword(prompt: string): Promise<string> {
  const [password] = await askPasswords(prompt);
  return password!;
}

/** The same, once for each prompt: what is typed between them is not shown either. @throws UsageError without a terminal */
export async function askPasswords(...prompts: readonly string[]): Promise<string[]> {
  let terminal: number;
  try {
    terminal = openSync(process.platform === 'win32' ? 'CONIN$' : TERMINAL, 'r+');
  } catch {
    throw new UsageError(
      `there is no terminal to ask for the password on: set ${PASSWORD_VARIABLE} or use --password-fd`,
    );
  }
  const input = new ReadStream(terminal);
  // Before anybody can know that it is time to type: until then the terminal shows what is typed.
  input.setRawMode(true);
  const typed = new TypedLines(input);
  const answers: string[] = [];
  try {
    for (const prompt of prompts) {
      process.stderr.write(answers.length === 0 ? prompt : `\n${prompt}`);
      answers.push(await typed.line());
    }
    return answers;
  } finally {
    input.setRawMode(false);
    input.destroy();
    process.stderr.write('\n');
  }
}

/** Lines typed in raw mode, also those that come before they are asked for. */
class TypedLines {
  readonly #lines: string[] = [];
  #typed = '';
  #failure: Error | undefined;
  #wake = () => {};

  constructor(input: ReadStream) {
    input.setEncoding('utf8');
    input.on('error', (error) => this.#fail(error));
    input.on('end', () => this.#fail(new UsageError('no password was given')));
    input.on('data', (text: string) => {
      for (const character of text) this.#take(character);
    });
  }

  #take(character: string): void {
    if (ENTER.includes(character)) {
      this.#lines.push(this.#typed);
      this.#typed = '';
      this.#wake();
    } else if (INTERRUPTS.includes(character)) this.#fail(new UsageError('no password was given'));
    else this.#typed = BACKSPACE.includes(character) ? [...this.#typed].slice(0, -1).join('') : this.#typed + character;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** @throws UsageError when there is none, and whatever is wrong with the terminal */
  async line(): Promise<string> {
    while (this.#lines.length === 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const line = this.#lines.shift();
    if (line === undefined) throw this.#failure!;
    return line;
  }
}
