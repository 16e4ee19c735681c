import type { GoEvent } from './go-peer.ts';

/** One observer's suspicion of one member, from the accusation to its end. Times are Unix milliseconds. */
export interface SuspicionStory {
  readonly suspectedAtMs: number;
  /** When the observer counted its first, second, … confirmation. */
  readonly confirmedAtMs: readonly number[];
  /** Confirmations after which the shortest time holds. */
  readonly confirmationsWanted: number;
  /** Undefined when the suspicion was refuted or still runs. */
  readonly deadAtMs: number | undefined;
  /** Whether the observer's own time ran out; otherwise it was told. */
  readonly ownVerdict: boolean;
}

/** What an observer noticed of members, whichever kind it is. */
export type Observation =
  | ({
      readonly type: 'suspect' | 'confirmation';
      readonly unixMs: number;
      readonly member: string;
    } & {
      readonly confirmations: number;
      readonly confirmationsWanted: number;
    })
  | {
      readonly type: 'verdict' | 'dead' | 'left' | 'alive';
      readonly unixMs: number;
      readonly member: string;
    };

/** The events of a Go peer. */
export function goObservations(events: readonly GoEvent[]): readonly Observation[] {
  return events.flatMap((event): readonly Observation[] => {
    const { type, member, unixMs, to, confirmations = 0, confirmationsWanted = 0 } = event;
    if (member === undefined) return [];
    if (type === 'declared-dead') return [{ type: 'verdict', unixMs, member }];
    if (type === 'confirmation' || (type === 'member' && to === 'suspect')) {
      const kind = type === 'member' ? 'suspect' : type;
      return [{ type: kind, unixMs, member, confirmations, confirmationsWanted }];
    }
    if (type !== 'member' || (to !== 'dead' && to !== 'left' && to !== 'alive')) return [];
    return [{ type: to, unixMs, member }];
  });
}

const MESSAGES: ReadonlyMap<string, Observation['type']> = new Map([
  ['member is suspect', 'suspect'],
  ['suspicion is confirmed', 'confirmation'],
  ['member is dead: nobody refuted the suspicion in time', 'verdict'],
  ['member is dead: another says so', 'dead'],
  ['member has left', 'left'],
  ['member refuted a suspicion', 'alive'],
]);

/** The log lines of one of our nodes, which must log at level debug. */
export function logObservations(lines: readonly string[]): readonly Observation[] {
  return lines.flatMap((line): readonly Observation[] => {
    const { msg = '', ts = '', member, confirmations, confirmationsWanted } = logFields(line);
    const type = MESSAGES.get(msg);
    if (type === undefined || member === undefined) return [];
    const unixMs = Date.parse(ts);
    if (type !== 'suspect' && type !== 'confirmation') return [{ type, unixMs, member }];
    return [
      {
        type,
        unixMs,
        member,
        confirmations: Number(confirmations),
        confirmationsWanted: Number(confirmationsWanted),
      },
    ];
  });
}

/** The suspicions of `member`, in order. */
export function suspicionStories(
  observations: readonly Observation[],
  member: string,
): readonly SuspicionStory[] {
  const stories: SuspicionStory[] = [];
  let open = false;
  for (const seen of observations) {
    const story = stories.at(-1);
    if (seen.member !== member) continue;
    if (seen.type === 'suspect') {
      stories.push({
        suspectedAtMs: seen.unixMs,
        confirmedAtMs: new Array<number>(seen.confirmations).fill(seen.unixMs),
        confirmationsWanted: seen.confirmationsWanted,
        deadAtMs: undefined,
        ownVerdict: false,
      });
      open = true;
    } else if (open && story !== undefined) {
      stories[stories.length - 1] = continued(story, seen);
      open = seen.type === 'confirmation';
    } else if (story?.deadAtMs !== undefined && seen.type === 'verdict') {
      // A Go peer tells of its verdict and of the change that it makes in either order.
      stories[stories.length - 1] = { ...story, ownVerdict: true };
    }
  }
  return stories;
}

function continued(story: SuspicionStory, seen: Observation): SuspicionStory {
  switch (seen.type) {
    case 'confirmation': {
      const more = seen.confirmations - story.confirmedAtMs.length;
      const added = new Array<number>(Math.max(0, more)).fill(seen.unixMs);
      return { ...story, confirmedAtMs: [...story.confirmedAtMs, ...added] };
    }
    case 'verdict':
      return { ...story, deadAtMs: seen.unixMs, ownVerdict: true };
    case 'dead':
      return { ...story, deadAtMs: seen.unixMs };
    case 'suspect':
    case 'left':
    case 'alive':
      return story;
  }
}

/**
 * How long a suspicion lasts by Lifeguard's formula as memberlist computes it: multipliers 4 and 6, at most ten
 * members known, probes every five seconds.
 */
export function suspicionMs(confirmations: number, wanted: number): number {
  const shortestMs = 20_000;
  if (wanted === 0) return shortestMs;
  const longestMs = 6 * shortestMs;
  const fraction = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(shortestMs, longestMs - fraction * (longestMs - shortestMs));
}

/** The time from the accusation to the verdict that follows from the confirmations and when they came. */
export function dueAfterMs(story: SuspicionStory): number {
  const { confirmedAtMs, confirmationsWanted, suspectedAtMs } = story;
  let dueMs = suspicionMs(0, confirmationsWanted);
  confirmedAtMs.forEach((atMs, index) => {
    const countedMs = atMs - suspectedAtMs;
    // A confirmation after the end changes nothing; one that comes late ends the suspicion at once.
    if (countedMs >= dueMs) return;
    dueMs = Math.max(countedMs, suspicionMs(index + 1, confirmationsWanted));
  });
  return dueMs;
}

const FIELD = /([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)/g;

interface LogFields {
  readonly ts?: string;
  readonly msg?: string;
  readonly member?: string;
  readonly confirmations?: string;
  readonly confirmationsWanted?: string;
}

function logFields(line: string): LogFields {
  const pairs = [...line.matchAll(FIELD)].map(([, key = '', value = '']) => {
    return [key, value.startsWith('"') ? unquote(value) : value] as const;
  });
  return Object.fromEntries(pairs);
}

function unquote(text: string): string {
  const value: unknown = JSON.parse(text);
  return String(value);
}
