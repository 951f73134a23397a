import { SaxesParser, type SaxesTagNS } from 'saxes';
import type { Filter, QueryElement, QueryWarning, Span } from './ast.ts';
import { ElementText } from './element-text.ts';
import { EvtQueryError, type QueryErrorSymbol } from './error.ts';
import { MAX_QUERY_LENGTH, parseXPath, parseXPathTolerant } from './parse.ts';
import { PathTable } from './path-table.ts';

/** What a QueryList says. */
export interface QueryList {
  readonly queries: readonly QueryElement[];
  readonly paths: readonly string[];
  readonly warnings: readonly QueryWarning[];
}

const TARGETS: ReadonlySet<string> = new Set(['Host', 'Container', 'Both']);
const CDATA_START = '<![CDATA[';
const ID_FORM = /^[ \t\r\n]*[+-]?[0-9]+[ \t\r\n]*$/;

/** A Select or Suppress as read, before its text is parsed. */
interface RawFilter {
  readonly tag: Span;
  readonly path: string | undefined;
  readonly text: ElementText;
}

/** A Query as read. */
interface RawQuery {
  readonly tag: Span;
  readonly id: number | undefined;
  readonly path: string | undefined;
  readonly selects: RawFilter[];
  readonly suppresses: RawFilter[];
}

/**
 * Reads a structured query: a `QueryList` of `Query` elements with `Select` and `Suppress` ("Query Schema",
 * learn.microsoft.com), in its namespace or none.
 *
 * @param tolerate repairs or drops a bad XPath as long as one Select remains.
 * @throws {EvtQueryError} 15001; behind it 15008 for malformed XML, the XPath's own code, or 15001 for the list's rules.
 */
export function parseQueryList(source: string, tolerate = false): QueryList {
  const warnings: QueryWarning[] = [];
  const raw = new ListReader(source, warnings).read();
  const paths = checkPaths(raw.queries, raw.root, (span, detail) => listProblem(source, span, detail));
  return { queries: parseFilters(raw.queries, paths, tolerate, warnings), paths: paths.names, warnings };
}

/** Turns the events of the XML parser into raw queries, refusing what the schema has no place for. */
class ListReader {
  readonly #source: string;
  readonly #warnings: QueryWarning[];
  readonly #queries: RawQuery[] = [];
  /** White space in front of the XML, which a declaration would not allow. */
  readonly #base: number;
  #root: Span | undefined;
  #query: RawQuery | undefined;
  #filter: RawFilter | undefined;
  /** Where the last piece of markup ended: character data starts there. */
  #markupEnd: number;

  constructor(source: string, warnings: QueryWarning[]) {
    this.#source = source;
    this.#warnings = warnings;
    this.#base = source.indexOf('<');
    this.#markupEnd = this.#base;
  }

  read(): { queries: readonly RawQuery[]; root: Span } {
    const source = this.#source;
    if (source.length > MAX_QUERY_LENGTH) {
      throw problem(
        'ERROR_EVT_FILTER_TOO_COMPLEX',
        { start: MAX_QUERY_LENGTH, end: MAX_QUERY_LENGTH },
        '',
        `the query is longer than ${MAX_QUERY_LENGTH} characters; ask for less, or split it into several queries`,
      );
    }
    const parser = new SaxesParser({ xmlns: true });
    const position = () => this.#base + parser.position;
    parser.on('error', (error) => {
      throw this.#malformed(position(), error.message);
    });
    parser.on('doctype', () => {
      const start = source.indexOf('<!DOCTYPE', this.#base);
      throw problem(
        'ERROR_EVT_MALFORMED_XML_TEXT',
        { start, end: position() },
        '<!DOCTYPE',
        'a document type has no place in a query; remove the DOCTYPE',
      );
    });
    parser.on('opentag', (tag) => this.#open(tag, position()));
    parser.on('closetag', (tag) => this.#close(tag, position()));
    parser.on('text', (text) => this.#text(text));
    parser.on('cdata', (text) => this.#cdata(text, position()));
    // The parser reports a comment between its `--` and its `>`.
    const behindMarkup = () => {
      this.#markupEnd = source.indexOf('>', position() - 1) + 1;
    };
    parser.on('comment', behindMarkup);
    parser.on('processinginstruction', behindMarkup);
    try {
      parser.write(this.#base === 0 ? source : source.slice(this.#base)).close();
    } catch (error) {
      // The XML parser trips over a text that ends with "<!" instead of saying so.
      if (!(error instanceof RangeError)) throw error;
      throw this.#malformed(source.length, 'the text ends inside markup');
    }
    const root = this.#root ?? { start: this.#base, end: source.length };
    return { queries: this.#queries, root };
  }

  #open(tag: SaxesTagNS, end: number): void {
    const start = this.#source.lastIndexOf('<', end - 1);
    this.#markupEnd = end;
    const span = { start, end };
    if (this.#root === undefined) {
      if (tag.local !== 'QueryList') this.#refuse(span, `the root is ${tag.name}, but a query list is a QueryList`);
      this.#root = span;
      this.#attributes(tag, span, []);
    } else if (this.#filter !== undefined) {
      this.#refuse(span, `${tag.name} stands inside a filter, which is text alone; write < as &lt; there`);
    } else if (this.#query !== undefined) {
      if (tag.local !== 'Select' && tag.local !== 'Suppress') {
        this.#refuse(span, `a Query holds Select and Suppress, not ${tag.name}`);
      }
      const { Path } = this.#attributes(tag, span, ['Path']);
      this.#filter = { tag: span, path: Path || undefined, text: new ElementText() };
      this.#filter.text.startAt(end);
      (tag.local === 'Select' ? this.#query.selects : this.#query.suppresses).push(this.#filter);
    } else {
      if (tag.local !== 'Query') this.#refuse(span, `a QueryList holds Query elements, not ${tag.name}`);
      const { Id, Path, Target } = this.#attributes(tag, span, ['Id', 'Path', 'Target']);
      if (Target !== undefined && !TARGETS.has(Target)) {
        this.#refuse(span, `Target is Host, Container or Both, not "${Target}"`);
      }
      this.#query = { tag: span, id: this.#id(Id, span), path: Path || undefined, selects: [], suppresses: [] };
    }
  }

  #close(tag: SaxesTagNS, end: number): void {
    this.#markupEnd = end;
    if (this.#filter !== undefined) {
      this.#filter = undefined;
    } else if (this.#query !== undefined) {
      if (this.#query.selects.length === 0) {
        const detail =
          this.#query.suppresses.length === 0
            ? 'a Query needs at least one Select; write <Select>*</Select> for every event'
            : 'a Query with a Suppress needs a Select, too: a Suppress only takes away; add <Select>*</Select>';
        this.#refuse(this.#query.tag, detail);
      }
      this.#queries.push(this.#query);
      this.#query = undefined;
    } else if (this.#queries.length === 0) {
      this.#refuse(this.#root ?? { start: 0, end }, `a ${tag.name} needs at least one Query`);
    }
  }

  #text(text: string): void {
    const start = this.#markupEnd;
    // Character data holds no raw `<`, so the next one ends it.
    const close = this.#source.indexOf('<', start);
    const end = close < 0 ? this.#source.length : close;
    this.#markupEnd = end;
    if (this.#filter !== undefined) this.#filter.text.add(text, this.#source.slice(start, end), start, 'text');
    else if (this.#root !== undefined) this.#refuseText(text, { start, end });
  }

  #cdata(text: string, end: number): void {
    const start = this.#source.indexOf(CDATA_START, this.#markupEnd) + CDATA_START.length;
    this.#markupEnd = end;
    const close = this.#source.indexOf(']]>', start);
    if (this.#filter !== undefined) this.#filter.text.add(text, this.#source.slice(start, close), start, 'cdata');
    else this.#refuseText(text, { start, end: close });
  }

  #refuseText(text: string, span: Span): void {
    if (/^[ \t\r\n]*$/.test(text)) return;
    this.#refuse(span, 'text stands between the elements; the XPath belongs into a Select or Suppress');
  }

  /** The attributes asked for. Others change nothing for Windows' clients, so they only earn a warning. */
  #attributes<Name extends string>(tag: SaxesTagNS, span: Span, known: readonly Name[]): { [N in Name]?: string } {
    const found: { [N in Name]?: string } = {};
    for (const { name, prefix, local, value } of Object.values(tag.attributes)) {
      if (prefix !== '' || name === 'xmlns') continue;
      const wanted = known.find((each) => each === local);
      if (wanted !== undefined) found[wanted] = value;
      else {
        const meant = known.find((each) => each.toLowerCase() === local.toLowerCase());
        const hint = meant === undefined ? '' : `; ${meant} is spelt with a capital`;
        this.#warnings.push({ ...span, code: 0, sentence: `The attribute ${local} of ${tag.name} is ignored${hint}.` });
      }
    }
    return found;
  }

  #id(text: string | undefined, span: Span): number | undefined {
    if (text === undefined) return undefined;
    const id = ID_FORM.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(id)) this.#refuse(span, `Id is a whole number, not "${text.slice(0, 40)}"`);
    return id;
  }

  #refuse(span: Span, detail: string): never {
    throw listProblem(this.#source, span, detail);
  }

  #malformed(position: number, message: string): EvtQueryError {
    const source = this.#source;
    const end = Math.min(position, source.length);
    // The parser stumbles over what follows a raw `<`; the person has to look at the `<`.
    const less = source.lastIndexOf('<', end - 1);
    if (this.#filter !== undefined && /^<[\s=\d'"]/.test(source.slice(less, end))) {
      const detail = 'a raw < stands in the text of a filter; inside XML write &lt;';
      return problem('ERROR_EVT_MALFORMED_XML_TEXT', { start: less, end: less + 1 }, '<', detail);
    }
    const start = Math.max(this.#base, end - 1);
    const said = message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
    const detail = `the XML parser stopped here (${said}); close every element, and write & as &amp; and < as &lt;`;
    return problem('ERROR_EVT_MALFORMED_XML_TEXT', { start, end }, source.slice(start, end), detail);
  }
}

/** All filters name a path or none does; no mix of channels and files; a Suppress takes away from a Select's path. */
function checkPaths(
  queries: readonly RawQuery[],
  root: Span,
  refusal: (span: Span, detail: string) => EvtQueryError,
): PathTable {
  const paths = new PathTable();
  let named: boolean | undefined;
  let files: boolean | undefined;
  for (const query of queries) {
    const selected = new Set<string | undefined>();
    for (const filter of [...query.selects, ...query.suppresses]) {
      const path = filter.path ?? query.path;
      if (named !== undefined && named !== (path !== undefined)) {
        throw refusal(filter.tag, 'some filters have a Path and some have none; give all of them one, or none');
      }
      named = path !== undefined;
      if (path === undefined) continue;
      const isFile = PathTable.isFile(path);
      if (files !== undefined && files !== isFile) {
        throw refusal(filter.tag, 'channels and files (file://) stand in one list; query them one after the other');
      }
      files = isFile;
    }
    for (const select of query.selects) selected.add(paths.add(select.path ?? query.path));
    for (const suppress of query.suppresses) {
      const path = paths.add(suppress.path ?? query.path);
      if (selected.has(path)) continue;
      throw refusal(suppress.tag, `no Select of this Query reads ${path}, so its Suppress has nothing to take away`);
    }
  }
  if (queries.length === 0) throw refusal(root, 'a QueryList needs at least one Query');
  return paths;
}

function parseFilters(
  raw: readonly RawQuery[],
  paths: PathTable,
  tolerate: boolean,
  warnings: QueryWarning[],
): QueryElement[] {
  let firstError: EvtQueryError | undefined;
  const parse = (query: RawQuery, filters: readonly RawFilter[]): Filter[] =>
    filters.flatMap((filter) => {
      const path = paths.add(filter.path ?? query.path);
      const { text } = filter.text;
      if (!tolerate) return [{ path, expression: parseXPath(text, filter.text.locate) }];
      try {
        const { expression, error, keptEnd } = parseXPathTolerant(text, filter.text.locate);
        if (error !== undefined)
          warnings.push(droppedRest(error, filter.text.locate(keptEnd), filter.text.locate(text.length)));
        return [{ path, expression }];
      } catch (error) {
        if (!(error instanceof EvtQueryError)) throw error;
        firstError ??= error;
        const sentence = `A bad filter was left out: ${error.detail}.`;
        warnings.push({ ...filter.tag, code: error.code, sentence });
        return [];
      }
    });
  const queries = raw.map((query) => ({
    id: query.id,
    selects: parse(query, query.selects),
    suppresses: parse(query, query.suppresses),
  }));
  const good = queries.filter((query) => query.selects.length > 0);
  if (good.length === 0 && firstError !== undefined) throw firstError;
  return good;
}

/** What a repaired XPath says about itself. */
export function droppedRest(error: EvtQueryError, start: number, end: number): QueryWarning {
  return { start, end, code: error.code, sentence: `The query was cut here, its rest is bad: ${error.detail}.` };
}

function listProblem(source: string, span: Span, detail: string): EvtQueryError {
  return problem('ERROR_EVT_INVALID_QUERY', span, source.slice(span.start, span.end), detail);
}

function problem(innerSymbol: QueryErrorSymbol, span: Span, token: string, detail: string): EvtQueryError {
  return new EvtQueryError({ innerSymbol, span, windowsPosition: span.end, token, detail });
}
