// Compares our records of many logs with another parser's, and counts each kind of difference.
import { factDifferences } from './facts.mjs';

const UNEXPLAINED = 'NO EXPLANATION';
/** Such a record is compared with ours, too. */
const RECOVERED = 'not among the live records: ours gives it when asked to recover';
const EXAMPLES_SHOWN = 10;
const recordId = (text) => /EventRecordID["':<>]+(\d+)/.exec(text)?.[1] ?? '';
const THEIRS_RECOVERED = 'behind damage: ours goes on, the other parser gives it as recovered';

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

/**
 * One form (XML, JSON) of all logs, beside another parser's. `form` has
 * - `name`, `normal(text)`, under which texts are equal, and `facts(text)`;
 * - `exact`: records whose texts differ although their facts do not are different;
 * - `values`: reasons for a different value, each `{ reason, fits({ path, ours, theirs }) }`;
 * - `texts`: reasons for a different text, each `{ reason, ours(text), theirs(text) }`: under both, values must be equal;
 * - `records`: reasons for a record that one side alone has, each `{ reason, fits({ ours, theirs, facts, complaint, noted }) }`.
 *
 * The first reason that fits is counted.
 */
export class Comparison {
  #form;
  #kinds = new Map();
  #shown = 0;
  #records = 0;
  #equal = 0;

  constructor(form) {
    this.#form = { values: [], texts: [], records: [], exact: false, ...form };
  }

  /**
   * @param ours our records: `texts`, `noted` (those whose damage our reader reports), and `recovered()`: the texts that are
   *   given only when asked to recover
   * @param theirs `texts`; `recovered`: texts that it gives as recovered, which only serve as twins of our live records (it is
   *   not compared what each digs out of free space); and `complaint`: what it said about the log
   * @returns a line about the log: counts of both sides, and of equal records
   */
  add(log, ours, theirs) {
    const { name, normal } = this.#form;
    const left = takeEqual(ours.texts, theirs.texts, normal);
    const byId = grouped(left.theirs, recordId);
    const spare = grouped(theirs.recovered ?? [], recordId);
    let { equal } = left;
    for (const own of left.ours) {
      let twin = this.#twin(own, byId.get(recordId(own)) ?? []);
      if (twin === undefined) {
        twin = this.#twin(own, spare.get(recordId(own)) ?? []);
        if (twin !== undefined) this.#kind(THEIRS_RECOVERED).records++;
      }
      if (twin === undefined) this.#alone(log, { ours: own, complaint: theirs.complaint, noted: ours.noted });
      else if (this.#count(log, own, twin)) equal++;
    }
    const others = [...byId.values()].flat();
    const recovered = grouped(others.length > 0 ? ours.recovered() : [], recordId);
    for (const other of others) {
      const twin = this.#twin(other, recovered.get(recordId(other)) ?? [], true);
      if (twin === undefined) this.#alone(log, { theirs: other, complaint: theirs.complaint, noted: ours.noted });
      else {
        this.#kind(RECOVERED).records++;
        this.#count(log, twin, other);
      }
    }
    this.#records += ours.texts.length;
    this.#equal += equal;
    return `${name}: ${ours.texts.length} records, theirs ${theirs.texts.length}, ${equal} equal`;
  }

  /** Takes the text out of `candidates` that is closest to `text`: a log can hold an id twice. */
  #twin(text, candidates, swapped = false) {
    const unexplained = (other) => {
      const reasons = swapped ? this.#reasons(other, text) : this.#reasons(text, other);
      return reasons.filter(({ reason }) => reason === UNEXPLAINED).length;
    };
    const closest = candidates.length > 1 ? candidates.map(unexplained) : [0];
    return candidates.splice(closest.indexOf(Math.min(...closest)), 1)[0];
  }

  /** Counts why two records differ. @returns true when they are equal in all that this form compares */
  #count(log, ours, theirs) {
    const reasons = this.#reasons(ours, theirs);
    for (const { reason, difference } of reasons) {
      if (difference !== undefined) this.#kind(reason).values++;
      if (reason !== UNEXPLAINED) continue;
      const { path, ...sides } = difference ?? { path: 'layout', ours, theirs };
      this.#show(log, `record ${recordId(ours)}, ${path}`, sides);
    }
    for (const reason of new Set(reasons.map(({ reason }) => reason))) this.#kind(reason).records++;
    return reasons.length === 0;
  }

  #reasons(ours, theirs) {
    const { facts, values, texts, exact, normal } = this.#form;
    if (normal(ours) === normal(theirs)) return [];
    const explain = (own, other) =>
      factDifferences(facts(own), facts(other)).map((difference) => ({
        reason: values.find(({ fits }) => fits(difference))?.reason ?? UNEXPLAINED,
        difference,
      }));
    const reasons = explain(ours, theirs);
    if (reasons.length === 0) return exact ? [{ reason: UNEXPLAINED }] : [];
    if (reasons.every(({ reason }) => reason !== UNEXPLAINED)) return reasons;
    for (const text of texts) {
      const others = explain(text.ours(ours), text.theirs(theirs));
      if (others.every(({ reason }) => reason !== UNEXPLAINED)) return [{ reason: text.reason }, ...others];
    }
    return reasons;
  }

  #alone(log, context) {
    const text = context.ours ?? context.theirs;
    const facts = this.#form.facts(text);
    const fit = this.#form.records.find(({ fits }) => fits({ ...context, facts }));
    this.#kind(fit?.reason ?? UNEXPLAINED).records++;
    if (fit === undefined) this.#show(log, `record ${recordId(text)}`, context);
  }

  #kind(reason) {
    if (!this.#kinds.has(reason)) this.#kinds.set(reason, { records: 0, values: 0 });
    return this.#kinds.get(reason);
  }

  #show(log, where, { ours, theirs }) {
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
