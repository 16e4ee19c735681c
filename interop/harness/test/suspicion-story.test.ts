import { expect, test } from 'vitest';

import {
  dueAfterMs,
  goObservations,
  logObservations,
  suspicionMs,
  suspicionStories,
} from '../suspicion-story.ts';

const at = (ms: number, fields: string): string =>
  `ts=${new Date(ms).toISOString()} level=debug ${fields}`;

test('a suspicion lasts 120 s unconfirmed, 57 s with one confirmation of two, 20 s with both', () => {
  expect([0, 1, 2].map((count) => Math.round(suspicionMs(count, 2)))).toEqual([
    120_000, 56_907, 20_000,
  ]);
  expect(suspicionMs(0, 0)).toBe(20_000);
});

test('our log lines and the events of a Go peer tell the same story', () => {
  const ours = suspicionStories(
    logObservations([
      at(1000, 'msg="member is suspect" member=x from=a confirmations=0 confirmationsWanted=2'),
      at(1500, 'msg="member is suspect" member=y from=a confirmations=0 confirmationsWanted=2'),
      at(
        3000,
        'msg="suspicion is confirmed" member=x from=b confirmations=1 confirmationsWanted=2',
      ),
      at(
        5000,
        'msg="suspicion is confirmed" member=x from=c confirmations=2 confirmationsWanted=2',
      ),
      at(
        21_000,
        'msg="member is dead: nobody refuted the suspicion in time" member=x confirmations=2 confirmationsWanted=2',
      ),
    ]),
    'x',
  );
  const member = 'x';
  const counted = { member, confirmationsWanted: 2 };
  const theirs = suspicionStories(
    goObservations([
      { seq: 1, unixMs: 1000, type: 'member', to: 'suspect', ...counted, confirmations: 0 },
      { seq: 2, unixMs: 3000, type: 'confirmation', ...counted, confirmations: 1 },
      { seq: 3, unixMs: 5000, type: 'confirmation', ...counted, confirmations: 2 },
      { seq: 4, unixMs: 21_000, type: 'member', to: 'dead', member },
      { seq: 5, unixMs: 21_000, type: 'declared-dead', member, confirmations: 2 },
    ]),
    'x',
  );
  expect(ours).toEqual([
    {
      suspectedAtMs: 1000,
      confirmedAtMs: [3000, 5000],
      confirmationsWanted: 2,
      deadAtMs: 21_000,
      ownVerdict: true,
    },
  ]);
  expect(theirs).toEqual(ours);
});

test('a confirmation that ends a suspicion is known from the verdict alone', () => {
  const member = 'x';
  const accused = { member, type: 'member', to: 'suspect', confirmationsWanted: 2 } as const;
  const dead = { unixMs: 20_001, type: 'member', to: 'dead', member } as const;
  const verdict = { unixMs: 20_001, type: 'declared-dead', member, confirmations: 1 } as const;
  for (const [first, second] of [
    [dead, verdict],
    [verdict, dead],
  ] as const) {
    const [story] = suspicionStories(
      goObservations([
        { seq: 1, unixMs: 0, ...accused, confirmations: 0 },
        { seq: 2, ...first },
        { seq: 3, ...second },
      ]),
      'x',
    );
    expect(story).toMatchObject({ confirmedAtMs: [20_001], deadAtMs: 20_001, ownVerdict: true });
  }
});

test('a suspicion that is refuted has no end, and the next one is a story of its own', () => {
  const stories = suspicionStories(
    logObservations([
      at(0, 'msg="member is suspect" member=x from=a confirmations=0 confirmationsWanted=2'),
      at(100, 'msg="member refuted a suspicion" member=x'),
      at(200, 'msg="member is suspect" member=x from=a confirmations=0 confirmationsWanted=2'),
      at(300, 'msg="member is dead: another says so" member=x from=a'),
    ]),
    'x',
  );
  expect(stories.map(({ deadAtMs, ownVerdict }) => [deadAtMs, ownVerdict])).toEqual([
    [undefined, false],
    [300, false],
  ]);
});

test('a confirmation shortens the time, a late one ends it at once, one after the end counts for nothing', () => {
  const story = {
    suspectedAtMs: 0,
    confirmationsWanted: 2,
    deadAtMs: undefined,
    ownVerdict: true,
  };
  const due = (...confirmedAtMs: number[]): number =>
    Math.round(dueAfterMs({ ...story, confirmedAtMs }));
  expect(due()).toBe(120_000);
  expect(due(1000)).toBe(56_907);
  expect(due(1000, 2000)).toBe(20_000);
  expect(due(1000, 30_000)).toBe(30_000);
  expect(due(1000, 60_000)).toBe(56_907);
});
