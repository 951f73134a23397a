import { createMatcher, lint, parseQuery } from '../../src/query/index.ts';
import { sampleEvent } from '../../test/evtx/sample-events.ts';
import { mutateText } from '../mutate.ts';
import { asText, refusable, type Target } from '../target.ts';

export const XPATHS: readonly string[] = [
  '*',
  '*[System[(EventID=4624 or EventID=4625) and TimeCreated[timediff(@SystemTime) <= 86400000]]]',
  "*[EventData[Data[@Name='Count']>5 and Data[2]='x']] and *[System[band(Keywords,0x80000000000000)]]",
  "Event/System[EventID!=1][Level<=3]/Provider[@Name='a' or @Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}']",
];
const LISTS: readonly string[] = [
  '<QueryList><Query Id="0" Path="Security"><Select>*[System[EventID &gt;= 5]]</Select><Suppress>*[UserData]</Suppress></Query></QueryList>',
  '<?xml version="1.0"?><QueryList><Query><Select Path="file://a.evtx"><![CDATA[*[System[Level<=2]]]]></Select></Query></QueryList>',
];

function takeQuery(text: string): void {
  refusable(() => {
    const parsed = parseQuery(text, { strict: true });
    lint(parsed);
    const answers = (['compiled', 'plain'] as const).map((evaluator) => {
      const matcher = createMatcher(parsed, { isMine: () => true, evaluator });
      return [1n, 3n].map((id) => matcher.matches(sampleEvent(id), { now: 133_485_408_000_000_000n }));
    });
    if (String(answers[0]) !== String(answers[1])) throw new Error(`the evaluators disagree: ${answers.join(' / ')}`);
  });
  refusable(() => parseQuery(text, { tolerate: true }));
}

/** Texts that select events. */
export const QUERY_TARGETS: readonly Target[] = [
  {
    name: 'xpath',
    make: (random) => mutateText(random.pick(XPATHS), random),
    take: (input) => takeQuery(asText(input)),
  },
  {
    name: 'querylist',
    make: (random) => mutateText(random.pick(LISTS), random),
    take: (input) => takeQuery(asText(input)),
  },
];
