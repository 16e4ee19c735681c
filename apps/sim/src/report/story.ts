import { seconds } from '../assertion.ts';
import type { SimEvent } from '../events.ts';
import type { KeptEvent } from '../observer.ts';
import { fieldsText } from '../sim-log.ts';

/** Lines of a story; of a longer one the middle is left out. */
const MAX_LINES = 60;
const MAX_LAST_LINES = 15;
/** Events of one kind belong together when no more time than this lies between them. */
const TOGETHER_MS = 5000;
/** Names that a line lists. */
const MAX_NAMES = 4;

/** Events that are told in one line. */
interface Group {
  readonly atMs: number;
  lastMs: number;
  readonly event: SimEvent;
  readonly nodes: string[];
  wrong: boolean;
}

/**
 * What happened, for people: what several nodes found out or did within seconds of each other is one line. Of log lines
 * only warnings, errors, and what tells that a node is ready or has found others again.
 */
export function story(events: readonly KeptEvent[]): readonly string[] {
  const groups: Group[] = [];
  const latest = new Map<string, Group>();
  for (const { event, wrong } of events) {
    const key = keyOf(event);
    if (key === undefined) continue;
    const known = latest.get(key);
    if (event.type !== 'note' && known !== undefined && event.atMs - known.lastMs <= TOGETHER_MS) {
      known.lastMs = event.atMs;
      known.wrong ||= wrong;
      if (!known.nodes.includes(event.node)) known.nodes.push(event.node);
      continue;
    }
    const nodes = event.type === 'note' ? [] : [event.node];
    const group: Group = { atMs: event.atMs, lastMs: event.atMs, event, nodes, wrong };
    groups.push(group);
    latest.set(key, group);
  }
  const lines = groups.map(lineOf);
  if (lines.length <= MAX_LINES) return lines;
  const first = MAX_LINES - MAX_LAST_LINES;
  const left = lines.length - MAX_LINES;
  return [...lines.slice(0, first), `           … ${left} more …`, ...lines.slice(-MAX_LAST_LINES)];
}

const TOLD: ReadonlySet<string> = new Set(['ready', 'joined addresses that were no members']);

/** What events must have in common to be told together; `undefined` for those that are not told. */
function keyOf(event: SimEvent): string | undefined {
  switch (event.type) {
    case 'note':
      return `note ${event.text}`;
    case 'log':
      return event.level === 'info' && !TOLD.has(event.message)
        ? undefined
        : `log ${event.message}`;
    case 'node':
      return `node ${event.what}`;
    case 'confirmed':
      return undefined;
    default:
      return `${event.type} ${event.member}`;
  }
}

function lineOf(group: Group): string {
  const { atMs, lastMs } = group;
  const until = lastMs - atMs >= 1000 ? ` (until ${seconds(lastMs)})` : '';
  return `${seconds(atMs).padStart(9)}  ${textOf(group)}${until}`;
}

function textOf({ event, nodes, wrong }: Group): string {
  const falsely = wrong ? ' (wrongly)' : '';
  switch (event.type) {
    case 'note':
      return `== ${event.text}`;
    case 'log': {
      const fields = nodes.length === 1 ? ` ${fieldsText(event.fields)}` : '';
      return `${listed(nodes)}: ${event.message}${fields}`;
    }
    case 'node':
      return `${listed(nodes)} ${event.what}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'refuted':
      return `${event.member} refuted a suspicion, ${seenBy(nodes)}`;
    case 'left':
      return `${event.member} has left, ${seenBy(nodes)}`;
    case 'dead':
      return `${event.member} is dead${falsely}, ${seenBy(nodes)}`;
    default:
      return `${event.member} is suspect${falsely}, ${seenBy(nodes)}`;
  }
}

function seenBy(nodes: readonly string[]): string {
  return nodes.length === 1 ? `says ${listed(nodes)}` : `say ${listed(nodes)}`;
}

function listed(nodes: readonly string[]): string {
  if (nodes.length <= MAX_NAMES) return nodes.join(', ');
  return `${nodes.slice(0, MAX_NAMES - 1).join(', ')} and ${nodes.length - MAX_NAMES + 1} more`;
}
