import fc from 'fast-check';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { STATE_NAMES } from '../../src/core/instance-state.ts';
import { Tokens } from '../../src/core/tokens.ts';

/** Ids as maps of the test oracle keep them: `__proto__` is special there. */
const id = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => text !== '__proto__');
const unixS = fc.oneof(fc.constant(0), fc.integer({ min: -3, max: 4_000_000_000 }));

/** Any instance with a state that has a name. Tombstones hold no tokens. */
export function instances(
  constraints: {
    readonly ids?: fc.Arbitrary<string>;
    readonly tokens?: fc.Arbitrary<number[]>;
  } = {},
): fc.Arbitrary<InstanceDesc> {
  const tokens = constraints.tokens ?? fc.array(fc.integer({ min: 0, max: 0xffffffff }));
  return fc
    .record({
      id: constraints.ids ?? id,
      addr: fc.string({ unit: 'grapheme' }),
      zone: fc.constantFrom('', 'a', 'b', 'é'),
      state: fc.constantFrom(...STATE_NAMES),
      tokens: tokens.map((values) => Tokens.of(values)),
      heartbeatUnixS: unixS,
      registeredUnixS: unixS,
      readOnly: fc.boolean(),
      readOnlyUpdatedUnixS: unixS,
      versions: fc
        .array(fc.tuple(fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: 1n << 40n })))
        .map((pairs) => new Map(pairs)),
    })
    .map((init) =>
      InstanceDesc.of(init.state === 'LEFT' ? { ...init, tokens: Tokens.none } : init),
    );
}

/** Rings of few ids, heartbeats and tokens, so that everything meets. */
export function smallRings(
  constraints: { readonly sharedTokens: boolean } = { sharedTokens: true },
): fc.Arbitrary<RingDesc> {
  const one = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    state: fc.constantFrom(...STATE_NAMES),
    heartbeatUnixS: fc.integer({ min: 0, max: 4 }),
    tokens: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
  });
  return fc.array(one, { maxLength: 3 }).map((list) =>
    RingDesc.of(
      list.map(({ tokens, ...init }) => {
        const own = constraints.sharedTokens
          ? tokens
          : tokens.map((token) => token * 3 + init.id.charCodeAt(0) - 97);
        return InstanceDesc.of({
          ...init,
          // Writers never write two different entries within one second.
          addr: `${init.id}-${init.heartbeatUnixS}`,
          tokens: init.state === 'LEFT' ? Tokens.none : Tokens.of(own),
        });
      }),
    ),
  );
}
