import { hashKey, InstanceDesc, RingDesc, Tokens, Write } from '@ml/ring';
import HashRing from 'hashring';
import { keep, type Params, type Prepare, repeated } from './measure.ts';
import { startRing } from './ring.ts';
import { KeySequence, makeRing } from './rings.ts';

const servers = (params: Params): string[] =>
  makeRing(params).instances.map((instance) => instance.addr);

/** Texts to place, the same for both. */
function texts(): () => string {
  const made = Array.from(new KeySequence(5).take(4096), (key) => `series-${key}`);
  let i = 0;
  return () => made[i++ & 4095] ?? '';
}

/** The npm package hashring beside our ring: a text placed, and one server taken out and put back. */
export const hashRingBenchmarks: Readonly<Record<string, Prepare>> = {
  'hashring.place': (params) => {
    // Its cache of recent keys would be measured instead of the look-up.
    const ring = new HashRing(servers(params), 'md5', { 'max cache size': 1 });
    const text = texts();
    return repeated(() => keep(ring.get(text())));
  },
  'hashring.change': (params) => {
    const all = servers(params);
    const ring = new HashRing(all);
    const first = all[0] ?? '';
    return repeated(() => {
      ring.remove(first);
      ring.add(first);
      keep(ring.get('series-1'));
    });
  },
  'ring.place': async (params) => {
    const { ring } = await startRing(params);
    const text = texts();
    return repeated(() => keep(ring.get(hashKey(text()), Write)));
  },
  'ring.change': async (params) => {
    const { ring, kv } = await startRing(params);
    const whole = ring.desc;
    const [first = InstanceDesc.of({ id: '', tokens: Tokens.none })] = whole.instances;
    const without = RingDesc.of(whole.instances.slice(1));
    return async (n) => {
      for (let i = 0; i < n; i += 1) {
        for (const next of [without, without.set(first)]) {
          kv.push(next);
          while (ring.desc !== next) await undefined;
          keep(ring.get(5, Write));
        }
      }
      return undefined;
    };
  },
};
