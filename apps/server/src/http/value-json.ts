import { type AnyMergeable, UsageStatsSeed, Versions } from '@ml/kv';
import { type InstanceDesc, RingDesc } from '@ml/ring';

/** Go leaves fields at their zero value out. */
type Omitted = '' | 0 | false;

/**
 * A stored value as JSON, with the field names that the reference's JSON has: rings, versions and the usage seed. A
 * value of another type shows its encoded bytes in base64.
 */
export function valueJson(value: AnyMergeable, encode: () => Uint8Array): unknown {
  if (value instanceof RingDesc) {
    const ingesters = value.instances.map((instance) => [instance.id, instanceJson(instance)]);
    return ingesters.length === 0 ? {} : { ingesters: Object.fromEntries(ingesters) };
  }
  if (value instanceof Versions) {
    const instances = [...value.instances].map(([id, version]) => [
      id,
      withoutZeros({
        ID: version.id,
        addr: version.addr,
        Timestamp: number(version.timestampUnixNs),
        QuerierAPI: number(version.querierApi),
        left: version.left,
      }),
    ]);
    return instances.length === 0 ? {} : { instances: Object.fromEntries(instances) };
  }
  if (value instanceof UsageStatsSeed) return value.document;
  return { encoded: Buffer.from(encode()).toString('base64') };
}

function instanceJson(instance: InstanceDesc): object {
  const versions = Object.fromEntries([...instance.versions].map(([k, v]) => [k, number(v)]));
  return {
    ...withoutZeros({
      addr: instance.addr,
      timestamp: instance.heartbeatUnixS,
      state: instance.stateCode,
    }),
    ...(instance.tokens.size > 0 && { tokens: Array.from(instance.tokens) }),
    ...withoutZeros({
      zone: instance.zone,
      registered_timestamp: instance.registeredUnixS,
      id: instance.encodedId,
      read_only_updated_timestamp: instance.readOnlyUpdatedUnixS,
      read_only: instance.readOnly,
    }),
    ...(instance.versions.size > 0 && { versions }),
  };
}

function withoutZeros<T>(fields: Readonly<Record<string, T | Omitted>>): object {
  const shown = Object.entries(fields).filter(
    ([, value]) => value !== '' && value !== 0 && value !== false,
  );
  return Object.fromEntries(shown);
}

/** JSON numbers lose digits beyond 2^53; the nearest one is shown. */
function number(value: bigint): number {
  return Number(value);
}
