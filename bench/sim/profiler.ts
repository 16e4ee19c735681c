import { type Profiler, Session } from 'node:inspector/promises';
import type { HotSpot } from './protocol.ts';

const TOP = 25;
const SAMPLING_US = 1000;

/** Takes processor profiles of this process. */
export class PhaseProfiler {
  readonly #session = new Session();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLING_US });
    await this.#session.post('Profiler.start');
  }

  /** Ends the profile: the functions that took most time themselves. */
  async finish(): Promise<readonly HotSpot[]> {
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    return hotSpots(profile);
  }
}

function hotSpots(profile: Profiler.Profile): readonly HotSpot[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const callFrames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const frame = callFrames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const us = timeDeltas[i] ?? 0;
    const where = nameOf(frame.functionName, frame.url);
    spent.set(where, (spent.get(where) ?? 0) + us);
    total += us;
  }
  const sorted = [...spent].sort((a, b) => b[1] - a[1]).slice(0, TOP);
  return sorted.map(([where, us]) => ({ where, share: us / total }));
}

/** `lzwDecode, gossip/wire/lzw.js`: files of this repository without what all paths have in common. */
function nameOf(functionName: string, url: string): string {
  const name = functionName === '' ? 'a closure' : functionName;
  const file = url.replace(/^.*\/(?:packages|apps)\//, '').replace('/dist/', '/');
  return file === '' ? name : `${name}, ${file}`;
}
