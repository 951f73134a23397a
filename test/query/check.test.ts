import { describe, expect, it } from 'vitest';
import { parseXPath } from '../../src/query/parse.ts';
import { failure } from './failure.ts';

const at = (text: string) => {
  const error = failure(() => parseXPath(text));
  return { code: error.innerCode, piece: text.slice(error.offset, error.offset + error.length), error };
};

describe('a bad query is refused', () => {
  it.each([
    // Brackets, operands, names
    ['*[System[', 15019, '', 'ends where a condition should follow'],
    ['', 15019, '', 'write * for every event'],
    ['*[System[EventID=4624]', 15019, '', 'the bracket that opens at offset 1 is not closed'],
    ['*[System[(EventID=4624]]', 15019, ']', 'the parenthesis that opens at offset 9 is not closed'],
    ['*[System]]', 15021, ']', 'nothing is open'],
    ['*[System])', 15021, ')', 'nothing is open'],
    ['*, *', 15021, ',', 'comma'],
    ['*[]', 15017, ']', 'the brackets are empty'],
    ['*[System[()]]', 15019, ')', 'a condition is missing'],
    ['*[System[EventID=1 and]]', 15019, ']', 'a condition is missing'],
    ['*[and (a)]', 15019, 'and', 'in front of and'],
    ['*[[a]]', 15019, '[', 'a step in front'],
    ['* *', 15020, '*', 'arithmetic'],
    ['Event System', 15019, 'System', 'go on with and, or'],
    // Operators that other languages have
    ['*[System[a=1 OR a=2]]', 15019, 'OR', 'lower case: or'],
    ['*[System[a=1 And a=2]]', 15019, 'And', 'lower case: and'],
    ['*[System[a==1]]', 15019, '=', 'write ='],
    ['*[System[a<>1]]', 15019, '>', 'write !='],
    ['*[System[a=>1]]', 15019, '>', 'write >='],
    ['*[System[a=<1]]', 15019, '<', 'write <='],
    ['*[System[a && b]]', 15019, '&', 'write and'],
    ['*[System[a || b]]', 15019, '|', 'write or'],
    ['*[System[a | b]]', 15020, '|', 'join the two with or'],
    ['*[System[!a]]', 15019, '!', '!='],
    ['*[System[a in (1,2)]]', 15019, 'in', 'one comparison for each value'],
    ["*[System[a like 'x%']]", 15019, 'like', 'filter the events after reading'],
    ['*[System[a eq 1]]', 15019, 'eq', 'the comparisons are'],
    ['*[System[not a]]', 15019, 'a', 'Suppress'],
    ['*[System[not(a)]]', 15020, 'not', 'Suppress'],
    ['*[System[a - 1=3]]', 15020, '-', "quote a negative one: '-1'"],
    ['*[System[a div 2=3]]', 15020, 'div', 'finished number'],
    // Characters
    ['*[System[a=-1]]', 15019, '-', "'-1'"],
    ['*[System[-1=a]]', 15019, '-', "'-1'"],
    ['*[System[a=−1]]', 15019, '−', "'-1'"],
    ['*[System[a&gt;1]]', 15019, '&', 'write > here'],
    ['*[System[timediff(@a) &lt;= 1]]', 15019, '&', 'write < here'],
    ['*[System[a=“x”]]', 15019, '“', 'no quotation mark'],
    ['*[System[a=‘x’]]', 15019, '‘', 'no quotation mark'],
    ["*[System[a='x]]", 15019, "'x]]", 'never closed'],
    ['*[a:b]', 15019, ':', 'prefix'],
    ['*[a=$b]', 15019, '$', 'variables'],
    ['*\u00a0and *', 15019, '\u00a0', 'no-break space'],
    ['*[\u0000]', 15019, '\u0000', 'U+0000'],
    ['*[a=1;]', 15019, ';', 'not part of the query language'],
    // Steps
    ['/Event', 15019, '/', 'write Event or * first'],
    ['*//a', 15019, '/', '//'],
    ['*/', 15019, '', 'a step of the path is missing'],
    ['*[@]', 15019, ']', 'the name of an attribute is missing'],
    ['*[.=1]', 15019, '.', '. and ..'],
    ['*[parent::a]', 15019, 'parent', 'the axis parent'],
    ['*[a/node()]', 15019, 'node', 'node()'],
    ['*[@text()]', 15019, 'text', 'write @ and its name'],
    ['*[text(1)]', 15019, '1', 'no argument'],
    // Functions
    ["*[contains(a,'x')]", 15020, 'contains', 'filter the events after reading'],
    ['*[a[last()]]', 15020, 'last', 'Data[3]'],
    ['*[TimeDiff(a) > 1]', 15020, 'TimeDiff', 'timediff()'],
    ['*[a/count(b)]', 15020, 'count', 'count() does not exist'],
    ['*[a=true()]', 15020, 'true', "'true'"],
    ['*[band(a)]', 15019, ')', 'a comma and the mask'],
    ['*[band(a,1,2)]', 15019, ',', 'two arguments'],
    ['*[band(,1)]', 15019, ',', 'two arguments'],
    ['*[band(band(a,1),1)]', 15019, 'band', 'never another function'],
    ['*[timediff() > 1]', 15019, ')', 'one time or two'],
    ['*[timediff(a,b,c) > 1]', 15019, ',', 'one time or two'],
    ['*[a[position(1)=1]]', 15019, '1', 'no argument'],
    // Sides and types
    ['*[4624=a]', 15016, '4624', 'turn it round'],
    ["*['x'!=a]", 15016, "'x'", 'turn it round'],
    ['*[a=b]', 15016, 'b', 'write it in quotes'],
    ['*[a=@b]', 15016, '@', 'one constant'],
    ['*[a=(1 or 2)]', 15016, '(', 'join them with or'],
    ['*[(a or b)=1]', 15016, '=', 'one comparison for each path'],
    ['*[a=1=1]', 15019, '=', 'is not closed here'],
    ['*[a=]', 15019, ']', 'a constant is missing'],
    ['*[band(a,1)=1]', 15018, '=', 'a condition by itself'],
    ['*[timediff(a)]', 15018, 'timediff', 'compare it'],
    ['*[a/b[position()]]', 15018, 'position', 'compare it'],
    ['*[band(a,1.5)]', 15018, '1.5', 'whole numbers'],
    ["*[band('x',a)]", 15018, "'x'", 'whole numbers'],
    ['*[a=18446744073709551616]', 15038, '18446744073709551616', 'largest'],
    ['*[a=0x10000000000000000]', 15038, '0x10000000000000000', 'largest'],
    [`*[a=${'9'.repeat(400)}.5]`, 15038, `${'9'.repeat(400)}.5`, 'largest'],
    // What a query selects
    ['System[a=1]', 15015, 'System[a=1]', 'Event/System'],
    ['* and System', 15015, 'System', 'Event/System'],
    ['event', 15015, 'event', 'starts from the event'],
    ['@a', 15015, '@a', 'starts from the event'],
    ['text()', 15015, 'text()', 'starts from the event'],
    ["* or 'x'", 15015, "'x'", 'selects no events'],
    ['band(*/System/Keywords,1)', 15015, 'band(*/System/Keywords,1)', 'selects no events'],
    ['timediff(*/a) > 1', 15015, 'timediff(*/a) > 1', 'selects no events'],
    ['(*[a])[b]', 15014, '[', 'only a path'],
    ['(*[a])/b', 15014, '/', 'only a path'],
    ['*[band(a,1)[1]]', 15014, '[', 'only a path'],
    ['*[@a/b]', 15015, 'b', 'ends a path'],
    ['*[a/text()/b]', 15015, 'b', 'ends a path'],
    ["*[a/@b['x']]", 15015, "['x']", 'takes no brackets'],
    // Positions are for leaves
    ['*[1]', 15020, '[1]', 'EventData/Data[3]'],
    ['*[position()=1]', 15020, 'position()', 'without children'],
    ['*[System[1]]', 15020, '[1]', 'without children'],
    ['*[EventData[a or position() > 2]]', 15020, 'position()', 'without children'],
    ['*[UserData/a[1]/b]', 15020, '[1]', 'without children'],
    ['*[UserData/a[b][1]]', 15020, '[1]', 'without children'],
    ['*[UserData/a[position()=1 and b=2]]', 15020, 'position()', 'without children'],
  ])('%s', (text, code, piece, says) => {
    const found = at(text);
    expect(found.code).toBe(code);
    expect(found.piece).toBe(piece);
    expect(found.error.detail).toContain(says);
    expect(found.error.code).toBe(15001);
  });

  it('names the position that Windows names', () => {
    expect(at('*[System[').error.windowsPosition).toBe(9);
    expect(at('*[System[(EventRecordID&gt;1)]]').error.windowsPosition).toBe(24);
  });

  it('tells the position, the token and the sentence in the extended status', () => {
    expect(at('*[System[a=1 OR a=2]]').error.extendedStatus).toBe(
      'The query has a syntax error, position 15, at "OR": the operator OR is spelt in lower case: or',
    );
    expect(at('*[').error.extendedStatus).toContain('position 2, where the text ends');
  });

  it('repeats a long token shortened', () => {
    const { error } = at(`*[a=${'9'.repeat(1000)}]`);
    expect(error.token).toBe(`${'9'.repeat(39)}…`);
    expect(error.length).toBe(1000);
  });
});

describe('a good query is accepted', () => {
  it.each([
    "*/System/Provider/@Name='x' and Event[EventData]",
    "*/EventData/Data='x'",
    "(*[a] or *[b]) and (*[c]) or ((*/d='1'))",
    '*[EventData/Data[3]="x"]',
    '*[EventData[Data[position()<=2]/@Name="x"]]',
    "*[EventData/Data[@Name='a'][2]]",
    '*[System/Provider[1]/text()="x"]',
    '*[UserData/*/a[1]]',
    '*[System[EventID=1][Level=2][Task>=0]]',
    "*[EventData[Data='a' or 'b']]",
    "*[System[band('0x10', Keywords) and timediff('2024-01-01T00:00:00Z', TimeCreated/@SystemTime) > 0]]",
    '*[System[(((EventID)))=1]]',
    '*[*[*[@*]]]',
    '*[NoSuchThing[Bogus=1]]',
  ])('%s', (text) => {
    expect(parseXPath(text)).toBeDefined();
  });
});
