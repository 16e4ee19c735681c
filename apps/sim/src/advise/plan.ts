import { DEFAULT_SETTINGS, KNOBS, nameOf, type Settings, settingsWith } from './knobs.ts';

/** Which settings are tried, how long and how often. */
export interface Plan {
  readonly settings: readonly Settings[];
  readonly seeds: number;
  /** Heartbeat periods that are measured in each run. */
  readonly periods: number;
  /** What was left out for the size of the cluster; empty for small ones. */
  readonly reduced: string;
}

/** Up to this number of nodes each combination of the wide list is run. */
const WIDE_NODES = 25;
/** Up to this number of nodes a shorter list is run, once. */
const MIDDLE_NODES = 60;
/** Up to this number of nodes each knob is moved alone, both ways, and runs are shorter. Beyond: one way. */
const NARROW_NODES = 150;
/** More nodes take too long; use the largest size that fits, and scale bytes by the number of nodes. */
export const MAX_NODES = 500;
/** Heartbeats that small clusters should give per setting, over all seeds and periods. */
const HEARTBEATS_WANTED = 100;
const PERIODS = 3;
const MAX_SEEDS = 5;

/** Combinations that promise something: cheaper ones first, then those that spread news sooner. */
const CORNERS: readonly Settings[] = [
  settingsWith({ gossip_interval: '100ms', retransmit_factor: '2', pull_push_interval: '10s' }),
  settingsWith({ gossip_interval: '100ms', gossip_nodes: '5' }),
  settingsWith({ gossip_interval: '500ms', pull_push_interval: '1m' }),
  settingsWith({ gossip_interval: '100ms', retransmit_factor: '6' }),
];

const WIDE_CORNERS: readonly Settings[] = [
  settingsWith({ gossip_interval: '100ms', gossip_nodes: '5', retransmit_factor: '6' }),
  settingsWith({ gossip_interval: '50ms', gossip_nodes: '5' }),
  settingsWith({ gossip_interval: '500ms', retransmit_factor: '2', pull_push_interval: '10s' }),
  settingsWith({ gossip_interval: '100ms', pull_push_interval: '10s' }),
];

/** The plan for so many nodes; about two minutes of one core up to 50 of them. `seeds`: in the place of the usual number. */
export function planFor(nodes: number, seeds?: number): Plan {
  const usual = Math.ceil(HEARTBEATS_WANTED / (nodes * PERIODS));
  const own = seeds ?? Math.max(1, Math.min(MAX_SEEDS, usual));
  if (nodes <= WIDE_NODES) {
    const settings = [...star(), ...CORNERS, ...WIDE_CORNERS];
    return { settings, seeds: own, periods: PERIODS, reduced: '' };
  }
  if (nodes <= MIDDLE_NODES) {
    const settings = [...star(), ...CORNERS];
    const reduced = `more than ${WIDE_NODES} nodes: ${settings.length} settings are tried, not ${settings.length + WIDE_CORNERS.length}`;
    return { settings, seeds: own, periods: PERIODS, reduced };
  }
  const narrow = nodes > NARROW_NODES;
  const settings = narrow ? [DEFAULT_SETTINGS, ...moves('sooner')] : star();
  const reduced = narrow
    ? `more than ${NARROW_NODES} nodes: each knob is moved alone and one way, and two heartbeat periods are measured`
    : `more than ${MIDDLE_NODES} nodes: each knob is moved alone, and two heartbeat periods are measured`;
  return { settings, seeds: own, periods: 2, reduced };
}

/** The defaults and each knob moved alone, both ways. */
function star(): readonly Settings[] {
  return [DEFAULT_SETTINGS, ...moves('sooner'), ...moves('cheaper')];
}

function moves(direction: 'sooner' | 'cheaper'): readonly Settings[] {
  return KNOBS.map((knob) => settingsWith({ [nameOf(knob.yamlPath)]: knob[direction] }));
}
