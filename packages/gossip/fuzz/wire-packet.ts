import { assert } from '@ml/runtime';
import { checkMessage } from '../src/wire/check.ts';
import { DEFAULT_WIRE_LIMITS } from '../src/wire/limits.ts';
import { decodePacket } from '../src/wire/packet.ts';

/** Small enough to be reached by mutations of real packets. */
const limits = { ...DEFAULT_WIRE_LIMITS, maxPacketBytes: 1 << 20, maxPacketParts: 500 };

/** A packet never makes the decoder throw, and yields no more than its limits and nothing that fails the checks. */
export function fuzzPacket(bytes: Uint8Array): void {
  const packet = decodePacket(bytes, { label: '', skipLabelCheck: true, limits });
  assert(packet.messages.length <= limits.maxPacketParts, 'parts are limited');
  assert(packet.faults.length <= 256, 'faults are limited');
  let kept = 0;
  for (const message of packet.messages) {
    assert(checkMessage(message, limits) === undefined, 'messages are checked');
    if (message.type === 'user') kept += message.payload.length;
  }
  assert(kept <= bytes.length + limits.maxPacketBytes, 'payloads are limited');
}
