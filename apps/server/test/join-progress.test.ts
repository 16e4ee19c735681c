import { DnsLookupError } from '@ml/dns-discovery';
import { expect, test } from 'vitest';
import { FIRST_NODE_GRACE_MS, type JoinFacts, joinReadiness } from '../src/join-progress.ts';

const facts: JoinFacts = {
  entries: ['dns+a:1'],
  progress: { type: 'pending' },
  resolution: undefined,
  members: 1,
  upMs: 0,
};

const verdict = (more: Partial<JoinFacts>): string => {
  const readiness = joinReadiness({ ...facts, ...more });
  return readiness.type === 'ready' ? 'ready' : `${readiness.stage}: ${readiness.reason}`;
};

const resolution = { addresses: [], failures: [], notFound: [] };

test.each<[string, Partial<JoinFacts>, string]>([
  ['nothing to join', { entries: [] }, 'ready'],
  ['a second member', { members: 2 }, 'ready'],
  ['no answer of DNS yet', {}, 'dns: the join entries are being looked up'],
  [
    'a name that is not there',
    { resolution: { ...resolution, notFound: ['dns+a:1'] } },
    'dns: nothing found for "dns+a:1"',
  ],
  [
    'a failing look-up',
    {
      resolution: {
        ...resolution,
        failures: [new DnsLookupError('dns+a:1', new TypeError('SERVFAIL'))],
      },
    },
    'dns: cannot look up "dns+a:1": SERVFAIL',
  ],
  [
    'addresses that do not answer',
    { resolution: { ...resolution, addresses: ['10.0.0.1:1'] } },
    'join: no member has answered yet at 10.0.0.1:1',
  ],
  ['a plain entry', { entries: ['h:1'] }, 'join: no member has answered yet at h:1'],
  [
    'many addresses',
    { entries: ['a:1', 'b:1', 'c:1', 'd:1', 'e:1', 'f:1'] },
    'join: no member has answered yet at a:1, b:1, c:1, d:1, e:1, …',
  ],
  [
    'a join that was given up',
    { entries: ['h:1'], progress: { type: 'failed', error: new TypeError('refused') } },
    'join: no member has answered yet at h:1 (refused)',
  ],
  [
    'only itself',
    { entries: ['h:1'], progress: { type: 'answered', count: 1 }, upMs: FIRST_NODE_GRACE_MS - 1 },
    'join: the join entries lead to this node only; waiting 1 s for others before it counts as the first',
  ],
  [
    'only itself for long enough',
    { entries: ['h:1'], progress: { type: 'answered', count: 1 }, upMs: FIRST_NODE_GRACE_MS },
    'ready',
  ],
])('with %s the verdict is right', (_name, more, expected) => {
  expect(verdict(more)).toBe(expected);
});
