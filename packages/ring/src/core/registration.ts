import type { Random } from '@ml/runtime';
import type { RingDesc } from './desc.ts';
import { InstanceDesc } from './instance.ts';
import type { KnownInstanceState } from './instance-state.ts';
import { fillTokens, trimTokens } from './own-tokens.ts';
import { nextStamp } from './stamp.ts';
import type { TokenGenerator } from './token-generator.ts';
import { Tokens } from './tokens.ts';

/** Who registers, and with what. */
export interface Registrant {
  readonly id: string;
  readonly addr: string;
  readonly zone: string;
  readonly numTokens: number;
  readonly generator: TokenGenerator;
  readonly random: Random;
  /** Tokens kept from an earlier life; used when the ring does not know the instance any more. */
  readonly storedTokens: Tokens | undefined;
}

/** What an instance is after its registration. */
export interface Registration {
  /** The entry as it stands in the ring afterwards. */
  readonly entry: InstanceDesc;
  readonly state: KnownInstanceState;
  /** Whether the entry has to be written. */
  readonly write: boolean;
}

/**
 * What a starting instance makes of the entry that an earlier life may have left. As the start of dskit's Lifecycler,
 * except that an entry in state JOINING really starts over. R-40
 */
export function register(ring: RingDesc, registrant: Registrant, nowUnixMs: number): Registration {
  const known = ring.get(registrant.id);
  if (known === undefined) return registerNew(registrant, nowUnixMs);
  const { state, tokens } = resume(ring, known, registrant);
  const { addr, zone } = registrant;
  const entry = known.with({ state, tokens, addr, zone });
  const write = !isSame(known, entry);
  const heartbeatUnixS = nextStamp(nowUnixMs, known.heartbeatUnixS);
  return { entry: write ? entry.with({ heartbeatUnixS }) : known, state, write };
}

function registerNew(registrant: Registrant, nowUnixMs: number): Registration {
  const { id, addr, zone, numTokens } = registrant;
  const tokens = registrant.storedTokens ?? Tokens.none;
  const nowUnixS = Math.floor(nowUnixMs / 1000);
  const state = !tokens.isEmpty && tokens.size >= numTokens ? 'ACTIVE' : 'PENDING';
  const entry = InstanceDesc.of({
    id,
    addr,
    zone,
    state,
    tokens,
    heartbeatUnixS: nowUnixS,
    registeredUnixS: nowUnixS,
  });
  return { entry, state, write: true };
}

function resume(
  ring: RingDesc,
  known: InstanceDesc,
  registrant: Registrant,
): { readonly state: KnownInstanceState; readonly tokens: Tokens } {
  const { numTokens, generator, random } = registrant;
  switch (known.state) {
    case 'LEAVING': {
      const kept = trimTokens(known.tokens, numTokens, random);
      return { state: 'ACTIVE', tokens: fillTokens(kept, numTokens, { ring, generator }) };
    }
    case 'ACTIVE':
      return { state: 'ACTIVE', tokens: known.tokens };
    default:
      return { state: 'PENDING', tokens: known.tokens };
  }
}

function isSame(a: InstanceDesc, b: InstanceDesc): boolean {
  return (
    a.stateCode === b.stateCode &&
    a.addr === b.addr &&
    a.zone === b.zone &&
    a.encodedId === b.encodedId &&
    a.tokens.equals(b.tokens)
  );
}
