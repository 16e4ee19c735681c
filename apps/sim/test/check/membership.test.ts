import { describe, expect, test } from 'vitest';
import { incarnationsGrow } from '../../src/check/incarnations-grow.ts';
import { labelsStayApart } from '../../src/check/labels-apart.ts';
import { nobodyStaysDead } from '../../src/check/nobody-stays-dead.ts';
import { queuesAreBounded } from '../../src/check/queues-bounded.ts';
import { comesToRest } from '../../src/check/quiescence.ts';
import { viewsConverge } from '../../src/check/views-converge.ts';
import { seenNode, snapshot } from './checks.ts';

const withState = (state: 'alive' | 'suspect' | 'dead', incarnation = 1) => ({
  members: [
    { name: 'c-0', state, incarnation },
    { name: 'c-1', state: 'alive' as const, incarnation: 1 },
  ],
});

describe('nobody who lives stays dead', () => {
  test('holds while everybody sees everybody', () => {
    expect(nobodyStaysDead().atEnd?.(snapshot())).toBeUndefined();
  });

  test('catches a node that holds another, which lives, for dead', () => {
    expect(nobodyStaysDead().atEnd?.(snapshot(withState('dead')))).toMatch(
      /c-1 does not see c-0 alive/,
    );
  });

  test('catches a node that has forgotten another', () => {
    expect(nobodyStaysDead().atEnd?.(snapshot({ members: [] }))).toMatch(/does not see c-0/);
  });
});

describe('views converge', () => {
  test('holds for equal views', () => {
    expect(viewsConverge().atEnd?.(snapshot())).toBeUndefined();
  });

  test('catches a member that only one node sees', () => {
    const ghost = { name: 'c-9', state: 'alive' as const, incarnation: 1 };
    const { members } = seenNode('c-1');
    expect(viewsConverge().atEnd?.(snapshot({ members: [...members, ghost] }))).toMatch(/c-9/);
  });
});

describe('incarnations grow', () => {
  test('holds when they stay or grow', () => {
    const check = incarnationsGrow();
    expect(check.during?.(snapshot(withState('alive', 3)))).toBeUndefined();
    expect(check.during?.(snapshot(withState('suspect', 3)))).toBeUndefined();
    expect(check.during?.(snapshot(withState('alive', 4)))).toBeUndefined();
  });

  test('catches one that falls', () => {
    const check = incarnationsGrow();
    check.during?.(snapshot(withState('alive', 3)));
    expect(check.during?.(snapshot(withState('alive', 2)))).toMatch(
      /incarnation of c-0 fall from 3 to 2/,
    );
  });

  test('lets a member that was dead come back with a small one, and a new process begin anew', () => {
    const check = incarnationsGrow();
    check.during?.(snapshot(withState('dead', 3)));
    expect(check.during?.(snapshot(withState('alive', 1)))).toBeUndefined();
    check.during?.(snapshot(withState('alive', 3)));
    expect(check.during?.(snapshot({ ...withState('alive', 1), lives: 2 }))).toBeUndefined();
  });
});

describe('labels stay apart', () => {
  test('catches a member of another cluster', () => {
    expect(labelsStayApart().during?.(snapshot())).toBeUndefined();
    const foreign = [{ name: 'd-0', state: 'dead' as const, incarnation: 1 }];
    expect(labelsStayApart().during?.(snapshot({ members: foreign }))).toMatch(/knows d-0/);
  });
});

describe('queues are bounded', () => {
  test('catches more broadcasts than members, too many changes and too many events', () => {
    const check = queuesAreBounded();
    expect(check.during?.(snapshot({ queuedBroadcasts: 2 }))).toBeUndefined();
    expect(check.during?.(snapshot({ queuedBroadcasts: 3 }))).toMatch(/3 broadcasts/);
    expect(check.during?.(snapshot({ queuedChanges: 10_000 }))).toMatch(/10000 changes/);
    expect(check.during?.(snapshot({}, { pendingEvents: 1_000_000 }))).toMatch(/1000000 events/);
  });
});

describe('it comes to rest', () => {
  test('catches a suspicion that stays, and a broadcast that is never sent', () => {
    expect(comesToRest().atEnd?.(snapshot())).toBeUndefined();
    expect(comesToRest().atEnd?.(snapshot(withState('suspect')))).toMatch(/still suspects c-0/);
    expect(comesToRest().atEnd?.(snapshot({ queuedBroadcasts: 1 }))).toMatch(/1 broadcasts/);
  });
});
