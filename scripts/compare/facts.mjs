// An event as a list of facts, so that two parsers' values can be compared whatever their layout: every attribute, and every
// text of an element without child elements (an empty one, too), each with the path to it.

const TAG = /<(\/?)([^\s<>/="']+)((?:\s+[^\s=<>]+=(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;
const ATTRIBUTE = /([^\s=<>]+)=(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function plain(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** Facts of an event's XML. Lenient: what parsers print is not always well-formed (control characters). */
export function xmlFacts(xml) {
  const facts = [];
  const open = [];
  let textFrom = 0;
  for (const { 0: tag, 1: closing, 2: name, 3: attributes, 4: empty, index } of xml.matchAll(TAG)) {
    const text = xml.slice(textFrom, index);
    textFrom = index + tag.length;
    const inner = open.at(-1);
    if (inner !== undefined) inner.text += text;
    if (closing) {
      if (inner === undefined) continue;
      if (inner.leaf || inner.text.trim() !== '') facts.push({ path: inner.path, value: plain(inner.text) });
      open.pop();
      continue;
    }
    if (inner !== undefined) inner.leaf = false;
    const path = inner === undefined ? name : `${inner.path}/${name}`;
    for (const [, key, double, single] of attributes.matchAll(ATTRIBUTE)) {
      facts.push({ path: `${path}@${key}`, value: plain(double ?? single) });
    }
    if (empty) facts.push({ path, value: '' });
    else open.push({ path, text: '', leaf: true });
  }
  return facts;
}

/** Facts of an event's JSON; `text` must hold each number as written: they are compared as text. */
export function jsonFacts(text) {
  const facts = [];
  const visit = (value, path) => {
    if (value === null || typeof value !== 'object') facts.push({ path, value: JSON.stringify(value) });
    else for (const [key, member] of Object.entries(value)) visit(member, `${path}/${key}`);
  };
  visit(JSON.parse(text), '');
  return facts;
}

/** Where two lists of facts part: the n-th fact of a path belongs to the n-th of the same path; undefined is none. */
export function factDifferences(ours, theirs) {
  const byPath = new Map();
  const at = (path) => {
    if (!byPath.has(path)) byPath.set(path, { ours: [], theirs: [] });
    return byPath.get(path);
  };
  for (const { path, value } of ours) at(path).ours.push(value);
  for (const { path, value } of theirs) at(path).theirs.push(value);
  const differences = [];
  for (const [path, sides] of byPath) {
    for (let i = 0; i < Math.max(sides.ours.length, sides.theirs.length); i++) {
      if (sides.ours[i] !== sides.theirs[i]) differences.push({ path, ours: sides.ours[i], theirs: sides.theirs[i] });
    }
  }
  return differences;
}

/** Which no event lacks. */
const NEVER_ZERO = ['/System/Channel', '/System/EventRecordID', '/System/EventID'];

/** Whether the facts are those of a record whose values lie on a page that was never written: all are zero or Null. */
export function holdsNoEvent(facts) {
  const value = (end) => facts.find(({ path }) => path.endsWith(end))?.value ?? '';
  return NEVER_ZERO.every((end) => /^(?:0|""|null|)$/.test(value(end)));
}
