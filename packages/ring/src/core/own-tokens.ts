import type { Random } from '@ml/runtime';
import type { RingDesc } from './desc.ts';
import { type TokenGenerator, takenIn } from './token-generator.ts';
import { Tokens } from './tokens.ts';

/** `own` filled up to `count` with new tokens that nobody in the ring holds; more than `count` are all kept. */
export function fillTokens(
  own: Tokens,
  count: number,
  from: { readonly ring: RingDesc; readonly generator: TokenGenerator },
): Tokens {
  const missing = count - own.size;
  if (missing <= 0) return own;
  const taken = takenIn(from.ring);
  const free = { has: (token: number) => own.has(token) || taken.has(token) };
  return own.with(from.generator.generate(missing, free));
}

/** A random part of `own` with at most `count` tokens. */
export function trimTokens(own: Tokens, count: number, random: Random): Tokens {
  return own.size <= count ? own : Tokens.of(random.shuffle(Array.from(own)).slice(0, count));
}

/** What `known` holds and `found` lost: to be made good, because the instance still serves its share of keys. */
export function countLost(known: Tokens, found: Tokens): number {
  if (known === found || known.equals(found)) return 0;
  let lost = 0;
  for (const token of known) if (!found.has(token)) lost++;
  return lost;
}

/** The tokens of `known` that no other instance holds. */
export function unclaimed(known: Tokens, ring: RingDesc, id: string): Tokens {
  const others = takenIn(ring.delete(id));
  return known.without(new Set(Array.from(known).filter((token) => others.has(token))));
}
