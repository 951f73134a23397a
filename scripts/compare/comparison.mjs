// Compares our records of many logs with another parser's, and counts each kind of difference.
import { factDifferences } from './facts.mjs';

const UNEXPLAINED = 'NO EXPLANATION';
const EXAMPLES_SHOWN = Number(process.env.SHOW ?? 10);
const recordId = (text) => /EventRecordID["':<>]+(\d+)/.exec(text)?.[1] ?? '';

/** Texts by what `key` gives, each list in order. */
function grouped(texts, key) {
  const groups = new Map();
  for (const text of texts) {
    const group = groups.get(key(text));
    if (group === undefined) groups.set(key(text), [text]);
    else group.push(text);
  }
  return groups;
}

/** Takes the texts that both sides have out of both lists, each text as often as both have it. */
function takeEqual(ours, theirs, normal) {
  const waiting = grouped(theirs, normal);
  const left = ours.filter((text) => waiting.get(normal(text))?.shift() === undefined);
  return { equal: ours.length - left.length, ours: left, theirs: [...waiting.values()].flat() };
}

/** Pairs what is left by record id, in order. A record without a twin stands beside undefined. */
function pair(ours, theirs) {
  const waiting = grouped(theirs, recordId);
  const pairs = ours.map((text) => [text, waiting.get(recordId(text))?.shift()]);
  return [...pairs, ...[...waiting.values()].flat().map((text) => [undefined, text])];
}

/**
 * One form (XML, JSON) of all logs, beside another parser's.
 *
 * `form`: `name`; `normal(text)`, under which texts are equal; `facts(text)`; `values`: reasons for a different value, each
 * `{ reason, fits({ path, ours, theirs }) }`; `records`: reasons for a record that one side alone has, each
 * `{ reason, fits({ ours, theirs, facts, complaint, recovered }) }`. The first reason that fits is counted.
 */
export class Comparison {
  #form;
  #kinds = new Map();
  #shown = 0;
  #records = 0;
  #equal = 0;

  constructor(form) {
    this.#form = form;
  }

  /** @returns a line about the log: counts of both sides, and of equal records */
  add(log, ours, theirs, { complaint, recovered }) {
    const form = this.#form;
    const left = takeEqual(ours, theirs, form.normal);
    this.#records += ours.length;
    let equal = left.equal;
    for (const [own, other] of pair(left.ours, left.theirs)) {
      const reasons = new Set(
        own === undefined || other === undefined
          ? [this.#alone(log, own, other, { complaint, recovered })]
          : this.#different(log, own, other),
      );
      if (reasons.size === 0) equal++;
      for (const reason of reasons) this.#kind(reason).records++;
    }
    this.#equal += equal;
    return `${form.name}: ${ours.length} records, theirs ${theirs.length}, ${equal} equal`;
  }

  #kind(reason) {
    if (!this.#kinds.has(reason)) this.#kinds.set(reason, { records: 0, values: 0 });
    return this.#kinds.get(reason);
  }

  #alone(log, ours, theirs, context) {
    const facts = this.#form.facts(ours ?? theirs);
    const fit = this.#form.records.find(({ fits }) => fits({ ours, theirs, facts, ...context }));
    if (fit === undefined) this.#show(log, `record ${recordId(ours ?? theirs)}`, ours, theirs);
    return fit?.reason ?? UNEXPLAINED;
  }

  /** Reasons why two records differ. None: they are equal in all that this form compares. */
  #different(log, ours, theirs) {
    const { facts, values, exact } = this.#form;
    const differences = factDifferences(facts(ours), facts(theirs));
    if (differences.length === 0 && exact) {
      this.#show(log, `record ${recordId(ours)}, layout`, ours, theirs);
      return [UNEXPLAINED];
    }
    return differences.map((difference) => {
      const reason = values.find(({ fits }) => fits(difference))?.reason ?? UNEXPLAINED;
      this.#kind(reason).values++;
      if (reason === UNEXPLAINED) {
        this.#show(log, `record ${recordId(ours)}, ${difference.path}`, difference.ours, difference.theirs);
      }
      return reason;
    });
  }

  #show(log, where, ours, theirs) {
    if (++this.#shown > EXAMPLES_SHOWN) return;
    const text = (side) => (side === undefined ? '(none)' : JSON.stringify(side).slice(0, 300));
    console.log(`${this.#form.name}: ${log}: ${where}\n  ours   ${text(ours)}\n  theirs ${text(theirs)}`);
  }

  /** Prints the sums. @returns whether every difference has an explanation */
  finish() {
    const { name } = this.#form;
    console.log(`${name}: ${this.#records} records, ${this.#equal} equal`);
    for (const [reason, { records, values }] of [...this.#kinds].sort(([, a], [, b]) => b.records - a.records)) {
      const counted = values > 0 ? `${records} records, ${values} values` : `${records} records`;
      console.log(`${name}:   ${counted}: ${reason}`);
    }
    return !this.#kinds.has(UNEXPLAINED);
  }
}
