/** Paths that a query list names, each once, in its order and first spelling. Channel names compare without case. */
export class PathTable {
  readonly #spellings = new Map<string, string>();

  /** True for a log file, `file://` and its name; everything else is a channel. */
  static isFile(path: string): boolean {
    return /^file:\/\//i.test(path);
  }

  /** The one spelling for a path. */
  add(path: string | undefined): string | undefined {
    if (path === undefined) return undefined;
    const key = PathTable.isFile(path) ? path : path.toLowerCase();
    const known = this.#spellings.get(key);
    if (known !== undefined) return known;
    this.#spellings.set(key, path);
    return path;
  }

  get names(): readonly string[] {
    return [...this.#spellings.values()];
  }
}
