import { stringify } from 'yaml';
import { type HeartbeatWindow, LATE_MS } from '../sweep/heartbeat-watch.ts';

/** The cluster that is asked about. Times in milliseconds, one way doubled where a round trip is meant. */
export interface Conditions {
  readonly nodes: number;
  /** Nodes are spread evenly over so many zones. */
  readonly zones: number;
  /** Round trip between nodes of a zone. */
  readonly rttMs: number;
  /** Round trip between nodes of different zones. */
  readonly zoneRttMs: number;
  /** Share of segments that are lost; TCP sends them again, so loss is delay. */
  readonly loss: number;
  readonly heartbeatPeriodMs: number;
  /** Tokens of each instance. */
  readonly tokens: number;
}

/** After the last node has started: views settle. */
const SETTLE_MS = 5000;
/** One-way latencies scatter by this share, evenly. */
const JITTER = 0.2;
/** Nodes that the others join through. With the discovery name of all, each node would exchange its state with each. */
const SEED_NODES = 3;

/** A scenario that can be swept. */
export interface ClusterScenario {
  readonly yaml: string;
  readonly window: HeartbeatWindow;
  readonly durationMs: number;
}

/**
 * The scenario of such a cluster: whole servers that give heartbeats and do nothing else. They start at random moments of
 * one heartbeat period, so that heartbeats are spread over it as in a cluster that has run for long; then `periods`
 * heartbeat periods are measured.
 */
export function clusterScenario(conditions: Conditions, periods: number): ClusterScenario {
  const { nodes, zones, rttMs, zoneRttMs, loss, heartbeatPeriodMs, tokens } = conditions;
  const fromMs = heartbeatPeriodMs + SETTLE_MS;
  const untilMs = fromMs + periods * heartbeatPeriodMs;
  // What has not arrived then was missed by gossip.
  const durationMs = untilMs + LATE_MS;
  const names = Array.from({ length: zones }, (_, zone) => `zone-${zone + 1}`);
  const pairs = names.flatMap((from, index) => names.slice(index + 1).map((to) => ({ from, to })));
  const yaml = stringify({
    description: 'Servers that give heartbeats and do nothing else.',
    nodes: names.map((zone, index) => ({
      count: Math.floor(nodes / zones) + (index < nodes % zones ? 1 : 0),
      ...(zones > 1 && { zone }),
    })),
    duration: ms(durationMs),
    // Looking at every ring costs more than running the cluster; heartbeats are followed without.
    sample: ms(durationMs),
    start: { spread: ms(heartbeatPeriodMs) },
    network: {
      latency: latencyOf(rttMs),
      loss,
      zones: pairs.map((pair) => ({ ...pair, latency: latencyOf(zoneRttMs), loss })),
    },
    config: {
      ring: { heartbeat_period: ms(heartbeatPeriodMs), num_tokens: tokens },
      memberlist: {
        join_members: Array.from(
          { length: Math.min(nodes, SEED_NODES) },
          (_, index) => `10.0.0.${index + 1}:7946`,
        ),
      },
    },
  });
  return { yaml, window: { fromMs, untilMs }, durationMs };
}

function latencyOf(rttMs: number): object {
  const oneWay = rttMs / 2;
  return {
    distribution: 'uniform',
    min: ms(oneWay * (1 - JITTER)),
    max: ms(oneWay * (1 + JITTER)),
  };
}

/** A duration text that keeps microseconds. */
function ms(value: number): string {
  return `${Number(value.toFixed(3))}ms`;
}
