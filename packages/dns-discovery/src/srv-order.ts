import { assert, type Random } from '@ml/runtime';
import type { SrvRecord } from './resolver.ts';

/**
 * SRV records in the order in which a client should try them (RFC 2782): lowest priority first; within one priority
 * drawn one after another, each with a chance proportional to its weight. D-14
 */
export function orderSrv(records: readonly SrvRecord[], random: Random): SrvRecord[] {
  const byPriority = new Map<number, SrvRecord[]>();
  for (const record of records) {
    const group = byPriority.get(record.priority);
    if (group === undefined) byPriority.set(record.priority, [record]);
    else group.push(record);
  }
  return [...byPriority.keys()]
    .sort((a, b) => a - b)
    .flatMap((priority) => orderByWeight(byPriority.get(priority) ?? [], random));
}

/** Weight 0 comes first in the running sum, so that it keeps a small chance of being drawn early. */
function orderByWeight(group: readonly SrvRecord[], random: Random): SrvRecord[] {
  const left = random.shuffle(group).sort((a, b) => Math.min(a.weight, 1) - Math.min(b.weight, 1));
  const ordered: SrvRecord[] = [];
  let total = left.reduce((sum, record) => sum + record.weight, 0);
  while (left.length > 0) {
    const drawn = random.int(total + 1);
    let sum = 0;
    const index = left.findIndex((record) => {
      sum += record.weight;
      return sum >= drawn;
    });
    const [record] = left.splice(index, 1);
    assert(record !== undefined, 'a draw within the total weight hits a record');
    total -= record.weight;
    ordered.push(record);
  }
  return ordered;
}
