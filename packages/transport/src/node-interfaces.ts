import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { NetworkInterface } from './interfaces.ts';
import { parseIp } from './ip.ts';

/** The machine's interfaces that are up, with the one of the IPv4 default route marked (Linux; elsewhere none is). */
export function nodeInterfaces(): readonly NetworkInterface[] {
  const routed = defaultRouteInterface();
  return Object.entries(networkInterfaces()).map(([name, infos = []]) => ({
    name,
    defaultRoute: name === routed,
    addresses: infos.flatMap(({ address, cidr }) => {
      const ip = parseIp(address);
      if (ip === undefined) return [];
      const bits = cidr === null ? ip.length * 8 : Number(cidr.slice(cidr.indexOf('/') + 1));
      return [{ ip, prefixBits: bits }];
    }),
  }));
}

function defaultRouteInterface(): string | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'latin1');
  } catch {
    return undefined; // not Linux, or /proc is hidden: the choice goes on without this hint
  }
  return defaultRouteOf(table);
}

/** The interface of the default route with the smallest metric in the text of Linux's /proc/net/route. */
export function defaultRouteOf(table: string): string | undefined {
  let best: { readonly name: string; readonly metric: number } | undefined;
  for (const line of table.split('\n').slice(1)) {
    const [name, destination, , flags, , , metricText, mask] = line.trim().split(/\s+/);
    if (name === undefined || destination !== '00000000' || mask !== '00000000') continue;
    const up = (Number.parseInt(flags ?? '0', 16) & 1) === 1;
    const metric = Number(metricText);
    if (up && (best === undefined || metric < best.metric)) best = { name, metric };
  }
  return best?.name;
}
