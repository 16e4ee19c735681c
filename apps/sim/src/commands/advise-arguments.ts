import { availableParallelism } from 'node:os';
import { defaultsOf } from '@ml/runtime/config';
import { serverConfig } from '@ml/server/config';
import type { Conditions } from '../advise/conditions.ts';
import { MAX_NODES } from '../advise/plan.ts';
import { SimUsageError } from '../errors.ts';
import {
  bytesFlag,
  durationFlag,
  type FlagTable,
  type GivenFlags,
  givenFlags,
  lastText,
  shareFlag,
} from './flags.ts';
import { wholeNumber } from './swarm-arguments.ts';

/** What `ml-sim advise` was asked for. */
export interface AdviseArguments {
  readonly conditions: Conditions;
  /** Bytes per second and node; `undefined`: any number. */
  readonly budgetS: number | undefined;
  /** `undefined`: as many as the size of the cluster calls for. */
  readonly seeds: number | undefined;
  readonly workers: number;
  readonly json: string | undefined;
}

const FLAGS: FlagTable = {
  nodes: { type: 'string' },
  zones: { type: 'string' },
  rtt: { type: 'string' },
  'zone-rtt': { type: 'string' },
  loss: { type: 'string' },
  bandwidth: { type: 'string' },
  'heartbeat-period': { type: 'string' },
  tokens: { type: 'string' },
  seeds: { type: 'string' },
  workers: { type: 'string' },
  json: { type: 'string' },
};

const DEFAULT_RTT_MS = 1;
const MAX_RTT_MS = 2000;
/** Heartbeats carry whole seconds, so that closer ones look like one. */
const MIN_PERIOD_MS = 2000;
const MAX_PERIOD_MS = 300_000;
const MAX_LOSS = 0.5;
const MAX_TOKENS = 4096;
const DEFAULT_PERIOD_MS = 15_000;

/** Reads the arguments of `advise`. @throws {SimUsageError} */
export function adviseArguments(argv: readonly string[]): AdviseArguments {
  const given = givenFlags('advise', argv, FLAGS);
  if (given.positionals.length > 0) {
    throw new SimUsageError(
      `advise takes flags only, but got ${JSON.stringify(given.positionals.join(' '))}`,
    );
  }
  const nodesText = lastText(given, 'nodes');
  if (nodesText === undefined) {
    throw new SimUsageError('advise needs --nodes, the number of nodes in the cluster');
  }
  const nodes = wholeNumber('--nodes', nodesText, 2, MAX_NODES);
  const zones = wholeNumber('--zones', lastText(given, 'zones') ?? '1', 1, nodes);
  const rtt = { least: 0, most: MAX_RTT_MS };
  const rttMs = durationFlag(given, 'rtt', rtt) ?? DEFAULT_RTT_MS;
  const period = { least: MIN_PERIOD_MS, most: MAX_PERIOD_MS };
  return {
    conditions: {
      nodes,
      zones,
      rttMs,
      zoneRttMs: zoneRtt(given, zones, rttMs),
      loss: shareFlag(given, 'loss', MAX_LOSS) ?? 0,
      heartbeatPeriodMs: durationFlag(given, 'heartbeat-period', period) ?? DEFAULT_PERIOD_MS,
      tokens: tokensOf(given),
    },
    budgetS: bytesFlag(given, 'bandwidth'),
    seeds: optionalNumber(given, 'seeds', 100),
    workers: optionalNumber(given, 'workers', 256) ?? availableParallelism(),
    json: lastText(given, 'json'),
  };
}

function zoneRtt(given: GivenFlags, zones: number, rttMs: number): number {
  const value = durationFlag(given, 'zone-rtt', { least: 0, most: MAX_RTT_MS });
  if (value !== undefined && zones === 1) {
    throw new SimUsageError('--zone-rtt is about nodes of different zones: give --zones too');
  }
  return value ?? rttMs;
}

function tokensOf(given: GivenFlags): number {
  const text = lastText(given, 'tokens');
  if (text === undefined) return defaultsOf(serverConfig).ring.numTokens;
  return wholeNumber('--tokens', text, 1, MAX_TOKENS);
}

function optionalNumber(given: GivenFlags, flag: string, most: number): number | undefined {
  const text = lastText(given, flag);
  return text === undefined ? undefined : wholeNumber(`--${flag}`, text, 1, most);
}
