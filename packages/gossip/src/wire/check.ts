import type { WireError } from './errors.ts';
import type { WireLimits } from './limits.ts';
import type { PacketMessage, PushPullRecord } from './message.ts';

/** What forbids to store or relay the message, undefined when nothing does. */
export declare function checkMessage(
  message: PacketMessage,
  limits?: WireLimits,
): WireError | undefined;

/** What forbids to store or relay the record, undefined when nothing does. */
export declare function checkRecord(
  record: PushPullRecord,
  limits?: WireLimits,
): WireError | undefined;
