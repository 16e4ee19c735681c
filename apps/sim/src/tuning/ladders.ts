import type { Conditions } from '../advise/conditions.ts';
import {
  DEFAULT_SETTINGS,
  KNOBS,
  type Knob,
  nameOf,
  type Settings,
  settingsWith,
} from '../advise/knobs.ts';
import type { Measured } from '../advise/measure.ts';
import { measureSettings } from '../advise/measure-settings.ts';
import { mean } from '../mean.ts';
import type { SweepOptions } from '../sweep/sweep.ts';

/** A knob, moved alone. */
export interface Ladder {
  readonly knob: Knob;
  /** A row for each value of {@link Knob.ladder}, in that order. */
  readonly rows: readonly Measured[];
  /** The row of the default. */
  readonly defaults: Measured;
}

/** What {@link measureLadders} found. */
export interface Ladders {
  readonly conditions: Conditions;
  readonly seeds: number;
  readonly periods: number;
  readonly ladders: readonly Ladder[];
  /** Full exchanges at several intervals while gossip sends too little: `retransmit_factor` 1. */
  readonly net: Ladder;
}

/** What is measured, and how. */
export interface LadderOptions extends Omit<SweepOptions, 'runMs'> {
  readonly conditions: Conditions;
  readonly seeds: number;
  readonly periods: number;
}

/** So few retransmissions that gossip alone does not reach every node. */
const FEW = { retransmit_factor: '1' } as const;

/** Moves each knob alone up its ladder; `undefined` when it was interrupted. */
export async function measureLadders(options: LadderOptions): Promise<Ladders | undefined> {
  const { conditions, seeds, periods } = options;
  const [pullPush] = KNOBS.filter(({ yamlPath }) => nameOf(yamlPath) === 'pull_push_interval');
  if (pullPush === undefined) return undefined;
  const alone = KNOBS.map((knob) => settingsOf(knob, {}));
  const below = settingsOf(pullPush, FEW);
  const settings = distinct([DEFAULT_SETTINGS, ...alone.flat(), ...below]);
  const { rows, complete } = await measureSettings(
    { conditions, settings, seeds, periods },
    options,
  );
  if (!complete) return undefined;
  const byKey = new Map(rows.map((row) => [keyOf(row.settings), row]));
  const rowsOf = (list: readonly Settings[]): readonly Measured[] =>
    list.flatMap((each) => byKey.get(keyOf(each)) ?? []);
  const ladderOf = (knob: Knob, list: readonly Settings[]): readonly Ladder[] => {
    const found = rowsOf(list);
    const defaults = found[knob.ladder.indexOf(knob.defaultText)];
    return defaults === undefined ? [] : [{ knob, rows: found, defaults }];
  };
  const ladders = KNOBS.flatMap((knob, index) => ladderOf(knob, alone[index] ?? []));
  const [net] = ladderOf(pullPush, below);
  return net === undefined ? undefined : { conditions, seeds, periods, ladders, net };
}

/** How p99 changes when a knob is moved from its default. */
export interface Direction {
  /** p99 against that of the default with the same seed, their geometric mean: 0.9 is 10 % shorter. */
  readonly ratio: number;
  /** Two standard errors of the logarithm of {@link ratio}: a change within them may be chance. 0 for a single seed. */
  readonly error: number;
}

/** Compares a row with the default, seed by seed. */
export function directionOf(row: Measured, defaults: Measured): Direction {
  const logs = row.p99BySeed.map((p99, index) =>
    Math.log(p99 / (defaults.p99BySeed[index] ?? p99)),
  );
  const count = logs.length;
  const middle = mean(logs);
  const squares = logs.reduce((sum, log) => sum + (log - middle) ** 2, 0);
  return {
    ratio: Math.exp(middle),
    error: count < 2 ? 0 : 2 * Math.sqrt(squares / (count - 1) / count),
  };
}

function settingsOf(knob: Knob, below: Readonly<Record<string, string>>): readonly Settings[] {
  return knob.ladder.map((value) => settingsWith({ ...below, [nameOf(knob.yamlPath)]: value }));
}

function distinct(list: readonly Settings[]): readonly Settings[] {
  return [...new Map(list.map((each) => [keyOf(each), each])).values()];
}

function keyOf(settings: Settings): string {
  return settings.join(' ');
}
