import type { Resolution } from '@ml/dns-discovery';
import type { Readiness } from './readiness.ts';

/**
 * How long a node that only finds itself waits for others before it counts as the first of its cluster, in
 * milliseconds. Others that start together with it have registered in DNS by then.
 */
export const FIRST_NODE_GRACE_MS = 15_000;

/** Where the startup join stands. */
export type JoinProgress =
  | { readonly type: 'pending' }
  /** This many addresses answered, our own among them if the entries lead to us. */
  | { readonly type: 'answered'; readonly count: number }
  | { readonly type: 'failed'; readonly error: unknown };

/** What the verdict on joining depends on. */
export interface JoinFacts {
  /** Join entries as configured, one by one. */
  readonly entries: readonly string[];
  readonly progress: JoinProgress;
  /** The latest answer of discovery; `undefined` before the first. */
  readonly resolution: Resolution | undefined;
  /** Living members, this node included. */
  readonly members: number;
  /** Time since the start, in milliseconds. */
  readonly upMs: number;
}

/** Addresses that a reason lists. */
const MAX_LISTED = 5;

/** Whether the node has found its cluster; what else would a join entry be for. S-30 */
export function joinReadiness(facts: JoinFacts): Readiness {
  const { entries, progress, resolution, members, upMs } = facts;
  if (entries.length === 0 || members > 1) return { type: 'ready' };
  if (progress.type === 'answered' && progress.count > 0) {
    if (upMs >= FIRST_NODE_GRACE_MS) return { type: 'ready' };
    const leftS = Math.ceil((FIRST_NODE_GRACE_MS - upMs) / 1000);
    const reason = `the join entries lead to this node only; waiting ${leftS} s for others before it counts as the first`;
    return { type: 'waiting', stage: 'join', reason };
  }
  const plain = entries.filter((entry) => !entry.includes('+'));
  const found = [...plain, ...(resolution?.addresses ?? [])];
  if (found.length === 0) return { type: 'waiting', stage: 'dns', reason: dnsReason(resolution) };
  const listed = found.slice(0, MAX_LISTED).join(', ') + (found.length > MAX_LISTED ? ', …' : '');
  const gaveUp = progress.type === 'failed' ? ` (${text(progress.error)})` : '';
  const reason = `no member has answered yet at ${listed}${gaveUp}`;
  return { type: 'waiting', stage: 'join', reason };
}

function dnsReason(resolution: Resolution | undefined): string {
  if (resolution === undefined) return 'the join entries are being looked up';
  const problems = [
    ...resolution.failures.map(({ message }) => message),
    ...resolution.notFound.map((entry) => `nothing found for ${JSON.stringify(entry)}`),
  ];
  return problems.slice(0, MAX_LISTED).join('; ');
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
