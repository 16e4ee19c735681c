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
  | {
      /** `verdict`: its own time ran out; `confirmations` are those it had counted. */
      readonly type: 'suspect' | 'confirmation' | 'verdict';
      readonly unixMs: number;
      readonly member: string;
      readonly confirmations: number;
      readonly confirmationsWanted: number;
    }
  | {
      readonly type: 'dead' | 'left' | 'alive';
      readonly unixMs: number;
      readonly member: string;
    };

/** The events of a Go peer. */
export function goObservations(events: readonly GoEvent[]): readonly Observation[] {
  return events.flatMap((event): readonly Observation[] => {
    const { member, unixMs, confirmations = 0, confirmationsWanted = 0 } = event;
    const type = goType(event);
    if (member === undefined || type === undefined) return [];
    return [{ type, unixMs, member, confirmations, confirmationsWanted }];
  });
}

function goType({ type, to }: GoEvent): Observation['type'] | undefined {
  if (type === 'confirmation') return type;
  if (type === 'declared-dead') return 'verdict';
  if (type !== 'member') return undefined;
  return to === 'suspect' || to === 'dead' || to === 'left' || to === 'alive' ? to : undefined;
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
    const counted = {
      confirmations: Number(confirmations),
      confirmationsWanted: Number(confirmationsWanted),
    };
    return [{ type, unixMs: Date.parse(ts), member, ...counted }];
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
      stories[stories.length - 1] = { ...counted(story, seen), ownVerdict: true };
    }
  }
  return stories;
}

function continued(story: SuspicionStory, seen: Observation): SuspicionStory {
  switch (seen.type) {
    case 'confirmation':
      return counted(story, seen);
    case 'verdict':
      return { ...counted(story, seen), deadAtMs: seen.unixMs, ownVerdict: true };
    case 'dead':
      return { ...story, deadAtMs: seen.unixMs };
    case 'suspect':
    case 'left':
    case 'alive':
      return story;
  }
}

/** With the confirmations that are new by now: one that ends the suspicion is seen only in the verdict. */
function counted(
  story: SuspicionStory,
  { confirmations, unixMs }: { readonly confirmations: number; readonly unixMs: number },
): SuspicionStory {
  const { confirmedAtMs } = story;
  const more = Math.max(0, confirmations - confirmedAtMs.length);
  return { ...story, confirmedAtMs: [...confirmedAtMs, ...new Array<number>(more).fill(unixMs)] };
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

/** The fields of a line of log in logfmt that tests look at. */
export interface LogFields {
  readonly ts?: string;
  readonly msg?: string;
  readonly member?: string;
  readonly confirmations?: string;
  readonly confirmationsWanted?: string;
}

/** Reads a line of log. */
export function logFields(line: string): LogFields {
  const pairs = [...line.matchAll(FIELD)].map(([, key = '', value = '']) => {
    return [key, value.startsWith('"') ? unquote(value) : value] as const;
  });
  return Object.fromEntries(pairs);
}

function unquote(text: string): string {
  const value: unknown = JSON.parse(text);
  return String(value);
}
