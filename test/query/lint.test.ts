import { describe, expect, it } from 'vitest';
import { lint } from '../../src/query/lint.ts';
import { parseQuery } from '../../src/query/query.ts';

describe('lint', () => {
  it.each([
    ["*[EventData[Data='x']]", "Data='x'", "write Data[@Name='…']"],
    ["*[EventData/Data>'x']", "EventData/Data>'x'", 'looks at every Data'],
    ["*/EventData/Data!='x'", "*/EventData/Data!='x'", 'for nearly every event'],
    ["*[EventData[Data/text()='x']]", "Data/text()='x'", 'looks at every Data'],
    ["*[EventData[Data[@Name='a'] and (Data='v')]]", "Data='v'", 'looks at every Data'],
    ["*[EventData[Data[@Name='a']='x' or 'y']]", "'y'", "'y' stands alone as a condition and is false"],
    ["*['true']", "'true'", 'is true for every event'],
    ['*[System and 0]', '0', 'is false for every event'],
    ['*[System[(1)]]', '1', 'is true for every event'],
    ['*[Application[EventID=1]]', 'Application[EventID=1]', 'There is no Application in an event'],
    ['*[system]', 'system', 'write System'],
    ['*/System/EventId=1', 'EventId', 'write EventID'],
    ['*[System[Bogus=1]]', 'Bogus', 'There is no Bogus in System'],
    ["*[System/Provider/@name='x']", '@name', 'write @Name'],
    ['*[System[TimeCreated[timediff(@Time) > 1]]]', '@Time', 'it has @SystemTime, @RawTime'],
    ['*[System[timediff(Created/@SystemTime, Zero) > 1]]', 'Created', 'no Created in System'],
    ['*[System[band(Keyword,1)]]', 'Keyword', 'no Keyword in System'],
    ["*[System/Level/@Name='x']", '@Name', 'it has no attributes'],
    ['*[EventData/Data[0]]', '[0]', 'whole numbers from 1 on'],
    ['*[EventData/Data[1.5]]', '[1.5]', 'whole numbers from 1 on'],
  ])('advises on %s', (text, piece, says) => {
    const [advice] = lint(parseQuery(text));
    expect(advice?.code).toBe(0);
    expect(text.slice(advice?.start, advice?.end)).toBe(piece);
    expect(advice?.sentence).toContain(says);
  });

  it.each([
    '*',
    "*[System[Provider[@Name='a' or @Name='b'] and (Level=1 or Level=2) and TimeCreated[timediff(@SystemTime) <= 5]]]",
    "*[System/Security/@UserID='S-1-5-18' and System/EventID/@Qualifiers=1 and System/Execution/@ProcessID=4]",
    "*[EventData[Data[@Name='a']='x']] and *[EventData[Data[3]='y' and Data[position()=1]='z']]",
    "*[UserData/*/Bogus='x' and UserData/Data='x' and EventData/Binary]",
    '*[*/Bogus=1 and */*/@Bogus=1]',
    "*[EventData/ComplexData[Data='x']]",
  ])('is silent on %s', (text) => {
    expect(lint(parseQuery(text))).toEqual([]);
  });

  it('points into the whole text of a list, in its order', () => {
    const text =
      '<QueryList><Query><Suppress>*[a]</Suppress><Select>*[System[Level&gt;1 and<!-- --> Bogus=1]]</Select></Query></QueryList>';
    const advice = lint(parseQuery(text));
    expect(advice.map(({ start, end }) => text.slice(start, end))).toEqual(['a', 'Bogus']);
  });

  it('walks a path of a hundred thousand steps', () => {
    expect(lint(parseQuery(`*[UserData${'/a'.repeat(100_000)}]`))).toEqual([]);
  });
});
