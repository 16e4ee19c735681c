import { CannotJoinError, RingOptionsError } from '../errors.ts';
import type { RingDesc } from './desc.ts';
import { MAX_SPREAD_NUMBER, spreadTokens } from './spread-tokens.ts';
import type { TokenGenerator } from './token-generator.ts';
import { Tokens } from './tokens.ts';
import { compareUtf8 } from './utf8.ts';

/** More zones the token layout has no room for. */
export const MAX_SPREAD_ZONES = 8;

export interface SpreadMinimizingOptions {
  /** Must end in `-` and a number, counted from 0 without gaps in each zone: `ingester-zone-a-12`. */
  readonly instanceId: string;
  readonly zone: string;
  /** All zones of the ring, 1 to 8, the same for every instance; their order does not matter. */
  readonly zones: readonly string[];
  /**
   * Whether the instance takes tokens only after the one with the number before it has, so that shares stay equal
   * while many start at once. Default false. As -ingester.ring.spread-minimizing-join-ring-in-order in Mimir.
   */
  readonly joinInOrder?: boolean;
}

/**
 * Tokens computed from zone and instance number alone, laid out so that all instances of a zone own nearly equal
 * shares. Always out of the same 512 tokens, whatever else the ring holds. As `SpreadMinimizingTokenGenerator` in
 * dskit. R-22
 * @throws {RingOptionsError} when id or zones do not fit
 */
export function spreadMinimizingTokenGenerator(options: SpreadMinimizingOptions): TokenGenerator {
  const { instanceId, joinInOrder = false } = options;
  const zoneId = zoneIdOf(options);
  const { prefix, number } = parseInstanceId(instanceId);
  return {
    waitsForOthers: joinInOrder,
    checkCanJoin: (ring) => {
      if (joinInOrder && number > 0) checkPredecessor(ring, `${prefix}${number - 1}`);
    },
    generate: (count, taken) => {
      const chosen: number[] = [];
      for (const token of spreadTokens(zoneId, number)) {
        if (chosen.length >= count) break;
        if (!taken.has(token)) chosen.push(token);
      }
      return Tokens.of(chosen);
    },
  };
}

function zoneIdOf({ zone, zones }: SpreadMinimizingOptions): number {
  if (zones.length === 0 || zones.length > MAX_SPREAD_ZONES) {
    throw new RingOptionsError(
      `${zones.length} zones: spread-minimizing tokens need 1 to ${MAX_SPREAD_ZONES}`,
    );
  }
  const zoneId = zones.toSorted(compareUtf8).indexOf(zone);
  if (zoneId < 0) {
    throw new RingOptionsError(
      `zone ${JSON.stringify(zone)} is none of the zones of spread-minimizing tokens: ${zones.join(', ')}`,
    );
  }
  return zoneId;
}

function parseInstanceId(id: string): { readonly prefix: string; readonly number: number } {
  const [, prefix, digits] = /^([^\n]*-)([0-9]+)$/.exec(id) ?? [];
  if (prefix === undefined || digits === undefined) {
    throw new RingOptionsError(
      `instance id ${JSON.stringify(id)} does not end in a dash and a number, which spread-minimizing tokens need`,
    );
  }
  const number = Number(digits);
  if (number > MAX_SPREAD_NUMBER) {
    throw new RingOptionsError(
      `instance number ${digits} of ${JSON.stringify(id)} is above ${MAX_SPREAD_NUMBER}, the most for spread-minimizing tokens`,
    );
  }
  return { prefix, number };
}

function checkPredecessor(ring: RingDesc, id: string): void {
  if (ring.get(id)?.tokens.isEmpty !== false) {
    throw new CannotJoinError(`instance ${JSON.stringify(id)} must register and take tokens first`);
  }
}
