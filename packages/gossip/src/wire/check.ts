import { WireError, type WireReason } from './errors.ts';
import { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
import type { PacketMessage, PushPullRecord } from './message.ts';

/** Versions of protocol and delegate: lowest, highest and current of each. */
const VERSION_BYTES = 6;

/**
 * What forbids to act on the message, undefined when nothing does. Peers of the reference die or refuse every later
 * push/pull when such a message is relayed to them, so none may be stored: a member without a name, an address that
 * is no IP, versions that are not six bytes with 1 ≤ pMin ≤ pMax, metadata over the limit.
 */
export function checkMessage(
  message: PacketMessage,
  limits: WireLimits = DEFAULT_WIRE_LIMITS,
): WireError | undefined {
  switch (message.type) {
    case 'alive':
      return wireError(memberFault(message.node, message, limits), 'alive');
    case 'suspect':
    case 'dead':
      return wireError(message.node === '' ? 'bad_name' : undefined, message.type);
    case 'indirectPing':
      return wireError(
        isAddress(message.target) && isSource(message.sourceAddr) ? undefined : 'bad_addr',
        'indirect ping',
      );
    case 'ping':
      return wireError(isSource(message.sourceAddr) ? undefined : 'bad_addr', 'ping');
    default:
      return undefined;
  }
}

/** What forbids to store or relay the record, undefined when nothing does. As {@link checkMessage} of an alive. */
export function checkRecord(
  record: PushPullRecord,
  limits: WireLimits = DEFAULT_WIRE_LIMITS,
): WireError | undefined {
  return wireError(memberFault(record.name, record, limits), 'push/pull record');
}

/** The reason alone, for those who see many: an error costs a stack trace. */
export function memberFault(
  name: string,
  member: Pick<PushPullRecord, 'addr' | 'meta' | 'versions'>,
  limits: WireLimits,
): WireReason | undefined {
  if (name === '') return 'bad_name';
  if (!isAddress(member.addr)) return 'bad_addr';
  if (!isVersions(member.versions)) return 'bad_vsn';
  if (member.meta !== undefined && member.meta.length > limits.maxMetaBytes) return 'bad_meta';
  return undefined;
}

const EXPLANATIONS: Partial<Record<WireReason, string>> = {
  bad_name: 'the member has no name',
  bad_addr: 'an address is neither 4 nor 16 bytes long',
  bad_vsn: 'the versions are not six bytes with 1 <= pMin <= pMax',
  bad_meta: 'the metadata is longer than allowed',
};

/** The error for a reason of {@link memberFault}. */
export function wireError(reason: WireReason | undefined, what: string): WireError | undefined {
  if (reason === undefined) return undefined;
  return new WireError(reason, `${what}: ${EXPLANATIONS[reason] ?? reason}`);
}

function isAddress(addr: Uint8Array): boolean {
  return addr.length === 4 || addr.length === 16;
}

function isSource(addr: Uint8Array | undefined): boolean {
  return addr === undefined || isAddress(addr);
}

function isVersions(versions: Uint8Array): boolean {
  if (versions.length !== VERSION_BYTES) return false;
  // By index: every message about a member comes this way, and an iterator would cost more than all the rest.
  const pMin = versions[0] ?? 0;
  const pMax = versions[1] ?? 0;
  return pMin >= 1 && pMin <= pMax;
}
