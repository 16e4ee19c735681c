import { kilobytes } from '../advise/choose.ts';
import { CPU_MODEL } from '../advise/cpu-model.ts';
import { type Knob, nameOf } from '../advise/knobs.ts';
import { type Measured, missedText } from '../advise/measure.ts';
import { seconds } from '../assertion.ts';
import { type LadderLine, ladderSvg } from '../report/chart.ts';
import { markdownTable } from '../report/table.ts';
import { LATE_MS } from '../sweep/heartbeat-watch.ts';
import { directionOf, type Ladder, type Ladders } from './ladders.ts';

/** Where and when the figures were measured. */
export interface Provenance {
  /** The command that writes the page again. */
  readonly command: string;
  readonly commit: string;
  /** As `2026-01-31`. */
  readonly date: string;
}

/** A page and the pictures that it shows. */
export interface TuningPage {
  readonly markdown: string;
  /** Stand-alone SVG files by name. */
  readonly images: ReadonlyMap<string, string>;
}

/** What an operator should know of a knob before turning it. */
interface Notes {
  readonly does: string;
  readonly leave: string;
}

const NOTES: Readonly<Record<string, Notes>> = {
  gossip_interval: {
    does: `A node repeats its news in rounds, one round each interval. What it has not sent yet goes out at once, unless other news
went out within the last interval, so p50 is mostly far below the interval, and p99 is a small number of rounds. This is the
first knob to turn: shorter rounds carry the same news in smaller packets, so bytes hardly change, and only packets become more.`,
    leave: `Leave it when heartbeats are all that the ring carries and they come every 15 s: half a second more or less does not show
in the age of the oldest one. Rounds much shorter than the round trip between zones gain nothing.`,
  },
  gossip_nodes: {
    does: `How many members a node sends to in each round. More of them let a round reach further, for more packets at a time. What a
node sends in all for one piece of news is bounded by the retransmit factor, so bytes grow little here too.`,
    leave: `Leave it in clusters of a handful of nodes: it cannot be more than there are others to send to. 1 makes a chain of what
should be a fire.`,
  },
  pull_push_interval: {
    does: `Two members exchange all that they know. That repairs what gossip missed and is how a node that was cut off catches up.
As long as gossip reaches everybody it changes propagation by nothing that can be told from noise, and its bytes grow with the
size of the whole ring. Beyond 32 members the interval is stretched by itself: 50 members exchange half as often.`,
    leave: `Leave it unless heartbeats are missed and a higher retransmit factor does not cure that.`,
  },
  retransmit_factor: {
    does: `Each node sends each piece of news this many times log10(members + 1), rounded up. Too few, and some node is never told and
waits for the next heartbeat or full exchange: p99 is then measured in seconds, and the oldest heartbeat is two periods old.
Enough, and more of them buy no speed: the repetitions reach whom the first rounds have missed, and those are few. Bytes grow
in proportion.`,
    leave: `Raise it when heartbeats are missed now and then and that matters; lower it only to save bandwidth, knowing what it costs.`,
  },
};

/** docs/tuning.md and its pictures. */
export function tuningPage(found: Ladders, provenance: Provenance): TuningPage {
  const images = new Map([
    ...found.ladders.map((ladder) => pictureOf(ladder, nameOf(ladder.knob.yamlPath))),
    netPicture(found),
  ]);
  const markdown = [
    introduction(found, provenance),
    summary(found),
    ...found.ladders.map(section),
    netSection(found),
    CLOSING,
  ].join('\n');
  return { markdown, images };
}

function introduction(
  { conditions, seeds, periods }: Ladders,
  { command, commit, date }: Provenance,
): string {
  const { nodes, rttMs, heartbeatPeriodMs, tokens } = conditions;
  return `# Tuning propagation

A ring is as fresh as its oldest heartbeat, and a change is as fast as the slowest node that hears of it. Four settings decide
how soon everybody knows; this page says what each does, what it costs, and when to leave it alone. For figures of your own
cluster ask \`ml-sim advise --nodes 50 --zones 3 --rtt 1ms --bandwidth 50kB/s\`, which prints flags and YAML to paste.

Written by \`${command}\` at commit ${commit} on ${date}: ${nodes} whole servers in virtual time, a round trip of
${rttMs} ms, a heartbeat each ${seconds(heartbeatPeriodMs)} with ${tokens} tokens, ${seeds} seeds from 1 on, ${periods} heartbeat periods of each run. Propagation is
the time from a heartbeat to the moment at which another node has it, over all heartbeats and nodes; p50 and p99 are means over
seeds, the oldest heartbeat is the
worst of all, so that a single one that gossip missed decides it. Bytes are what a node puts on the wire; processor time is modelled from counted
packets and bytes: ${CPU_MODEL}.

## What to look at

- \`pyroscope_ring_oldest_member_timestamp{state="ACTIVE"}\`: \`time()\` minus it is the age of the oldest heartbeat. In a healthy
  ring it goes up and down between nothing and one heartbeat period. A peak of two periods means that some node missed one
  heartbeat; three periods, two in a row: then look here, or at the network.
- \`memberlist_client_messages_in_broadcast_queue\`: news that waits to be sent. It should fall to 0 between changes.
- \`memberlist_tcp_transport_packets_sent_bytes_total\`: what all this costs.

The heartbeat period itself is the strongest knob of all: it bounds the age from below, and everything that gossip costs is
proportional to how often it comes.
`;
}

function summary({ ladders }: Ladders): string {
  const rows = ladders.map(({ knob, rows: steps, defaults }) => {
    const sooner = steps[knob.ladder.indexOf(knob.sooner)] ?? defaults;
    const { ratio, error } = directionOf(sooner, defaults);
    return [
      `\`-${knob.flag}\``,
      `${knob.defaultText} → ${knob.sooner}`,
      `${change(ratio)} (± ${Math.round(error * 100)})`,
      `${missedText(defaults)} → ${missedText(sooner)}`,
      change(sooner.bytesS / defaults.bytesS),
      change(sooner.cpu / defaults.cpu),
    ];
  });
  return `## The four moves

Each alone, from the default in the direction that spreads news sooner; p99 is compared seed by seed, with two standard errors
in brackets: a change within them may be chance. Missed by gossip is what took more than ${seconds(LATE_MS)}: a full exchange or
the next heartbeat brought it.

${markdownTable([['flag', 'move', 'p99', 'missed by gossip', 'bytes', 'CPU'], ...rows])}
`;
}

function section({ knob, rows, defaults }: Ladder): string {
  const name = nameOf(knob.yamlPath);
  const { does = '', leave = '' } = NOTES[name] ?? {};
  return `## \`-${knob.flag}\`

In YAML \`${knob.yamlPath}\`, default ${knob.defaultText}.

${does}

${leave}

![Propagation by ${name}](images/${fileOf(name)})

${table(knob, rows, defaults)}
`;
}

function netSection({ net }: Ladders): string {
  return `## When gossip misses: the net below

The same interval of full exchanges where gossip sends too little, with a retransmit factor of 1. Now the exchanges decide how
long a node that was missed stays behind.

![Propagation by pull_push_interval with a retransmit factor of 1](images/${fileOf('net')})

${table(net.knob, net.rows, net.defaults)}
`;
}

const CLOSING = `## When not to touch any of it

- The oldest heartbeat stays below two heartbeat periods, and nothing but heartbeats goes through the ring: the defaults are right.
- Nodes restart, pause or lose the network: that is detection, not propagation, and none of these knobs shortens it.
- Only some nodes lag: look at their CPU and at \`memberlist_tcp_transport_packets_dropped_total\` first. More gossip makes an
  overloaded node slower.
- Change one knob at a time, on all nodes alike; nodes with different values work together, each at its own pace.

## Trying a change without a cluster

    ml-sim sweep steady --vary memberlist.gossip_interval=100ms,200ms,500ms --vary network.loss=0%,1% --seeds 3
    ml-sim advise --nodes 50 --zones 3 --rtt 1ms --zone-rtt 2ms --loss 0.1% --bandwidth 50kB/s --heartbeat-period 15s

The first runs any scenario with every combination of values and checks its assertions in each; the second measures a cluster
like yours and recommends.
`;

function table(knob: Knob, rows: readonly Measured[], defaults: Measured): string {
  const head = [
    nameOf(knob.yamlPath),
    'p50',
    'p99',
    'p99 against default',
    'missed by gossip',
    'oldest heartbeat',
    'bytes per node',
    'CPU per node',
  ];
  const body = rows.map((row, index) => [
    `${knob.ladder[index] ?? ''}${row === defaults ? ' (default)' : ''}`,
    seconds(row.p50Ms),
    seconds(row.p99Ms),
    row === defaults ? '' : change(directionOf(row, defaults).ratio),
    missedText(row),
    seconds(row.oldestMs),
    kilobytes(row.bytesS),
    `${(row.cpu * 100).toFixed(2)} %`,
  ]);
  return markdownTable([head, ...body]);
}

function netPicture({ net }: Ladders): readonly [string, string] {
  return pictureOf(net, 'net');
}

function pictureOf({ knob, rows }: Ladder, name: string): readonly [string, string] {
  const title =
    name === 'net'
      ? `Propagation by ${nameOf(knob.yamlPath)}, retransmit factor 1`
      : `Propagation by ${name}`;
  const lines: readonly LadderLine[] = [
    { name: 'p50', values: rows.map(({ p50Ms }) => p50Ms) },
    { name: 'p99', values: rows.map(({ p99Ms }) => p99Ms) },
    { name: 'oldest heartbeat', values: rows.map(({ oldestMs }) => oldestMs) },
  ];
  const svg = ladderSvg({
    title,
    xLabel: `${nameOf(knob.yamlPath)}: sooner towards the right`,
    yLabel: 'milliseconds',
    steps: knob.ladder,
    marked: { step: knob.defaultText, text: 'default' },
    lines,
  });
  return [fileOf(name), svg];
}

function fileOf(name: string): string {
  return `tuning-${name.replaceAll('_', '-')}.svg`;
}

/** A ratio as a change in percent. */
function change(ratio: number): string {
  const percent = Math.round((ratio - 1) * 100);
  if (percent > 200) return `× ${ratio.toFixed(1)}`;
  return `${percent > 0 ? '+' : percent < 0 ? '−' : '±'}${Math.abs(percent)} %`;
}
