import { type Ring, Write } from '@ml/ring';
import { MlError } from '@ml/runtime';
import type { Sample } from './observer.ts';
import type { SimNode } from './sim-node.ts';

/** How old the oldest heartbeat of a live node is, and how many instances rings hold. */
export function ringFigures(
  live: readonly SimNode[],
  nowUnixMs: number,
): Pick<Sample, 'oldestHeartbeatMs' | 'instancesMin' | 'instancesMax'> {
  const running = new Map(live.map((node) => [`${node.spec.cluster} ${node.name}`, node]));
  const sizes: number[] = [];
  let oldestUnixS = Number.POSITIVE_INFINITY;
  for (const { ring, spec } of live) {
    if (ring === undefined) continue;
    let size = 0;
    for (const instance of ring.instances) {
      if (instance.state === 'LEFT') continue;
      size += 1;
      if (!running.has(`${spec.cluster} ${instance.id}`)) continue;
      oldestUnixS = Math.min(oldestUnixS, instance.heartbeatUnixS);
    }
    sizes.push(size);
  }
  const age = oldestUnixS === Number.POSITIVE_INFINITY ? 0 : nowUnixMs - oldestUnixS * 1000;
  return {
    oldestHeartbeatMs: Math.max(0, age),
    instancesMin: least(sizes),
    instancesMax: most(sizes),
  };
}

/** Looks the keys up in the rings of all live nodes. */
export function lookUp(
  live: readonly SimNode[],
  keys: readonly number[],
): Pick<Sample, 'lookupsAgree' | 'lookupsSucceed'> {
  const answers = new Map<string, string>();
  let lookupsAgree = true;
  let lookupsSucceed = true;
  for (const node of live) {
    if (node.ring === undefined) continue;
    for (const key of keys) {
      const at = `${node.spec.cluster} ${key}`;
      const { found, owners } = ownersOf(node.ring, key);
      const known = answers.get(at);
      if (known === undefined) answers.set(at, owners);
      else if (known !== owners) lookupsAgree = false;
      if (!found) lookupsSucceed = false;
    }
  }
  return { lookupsAgree, lookupsSucceed };
}

/** Who owns a key as a node sees it; the reason when the ring has no answer. */
function ownersOf(ring: Ring, key: number): { readonly found: boolean; readonly owners: string } {
  try {
    const { instances } = ring.get(key, Write);
    return { found: true, owners: instances.map(({ id }) => id).join(' ') };
  } catch (error) {
    if (error instanceof MlError) return { found: false, owners: error.code };
    throw error;
  }
}

/** 0 of none. */
export function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), values[0] ?? 0);
}

/** 0 of none. */
export function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
