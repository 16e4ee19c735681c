import type { PacketMessage, PushPullRecord } from '@ml/gossip/wire';
import fc from 'fast-check';

const uint32 = fc.oneof(fc.nat(200), fc.nat(70_000), fc.integer({ min: 0, max: 0xffffffff }));
const port = fc.integer({ min: 0, max: 65_535 });
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 80 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
);
const addr = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const meta = fc.option(fc.uint8Array({ maxLength: 512 }), { nil: undefined });
const versions = fc
  .tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 5, max: 255 }),
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
  )
  .map(([low, high, rest]) => Uint8Array.of(low, high, ...rest));
const source = {
  sourceAddr: fc.option(addr, { nil: undefined }),
  sourcePort: port,
  sourceNode: fc.oneof(fc.constant(''), name),
};
const accusation = { incarnation: uint32, node: name, from: name };

/** A ping as both packets and streams carry it. */
export const ping: fc.Arbitrary<Extract<PacketMessage, { type: 'ping' }>> = fc.record({
  type: fc.constant('ping' as const),
  seqNo: uint32,
  node: name,
  ...source,
});

/** Any message that a packet may carry, and that passes the checks. */
export const packetMessage: fc.Arbitrary<PacketMessage> = fc.oneof(
  ping,
  fc.record({
    type: fc.constant('indirectPing' as const),
    seqNo: uint32,
    target: addr,
    port,
    node: name,
    nack: fc.boolean(),
    ...source,
  }),
  fc.record({
    type: fc.constant('ack' as const),
    seqNo: uint32,
    payload: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('nack' as const), seqNo: uint32 }),
  fc.record({ type: fc.constant('suspect' as const), ...accusation }),
  fc.record({ type: fc.constant('dead' as const), ...accusation }),
  fc.record({
    type: fc.constant('alive' as const),
    incarnation: uint32,
    node: name,
    addr,
    port,
    meta,
    versions,
  }),
  fc.record({ type: fc.constant('user' as const), payload: fc.uint8Array({ maxLength: 300 }) }),
);

/** Any record that passes the checks. */
export const record: fc.Arbitrary<PushPullRecord> = fc.record({
  name,
  addr,
  port,
  meta,
  incarnation: uint32,
  state: fc.oneof(fc.nat(3), fc.integer(), fc.maxSafeInteger()),
  versions,
});
