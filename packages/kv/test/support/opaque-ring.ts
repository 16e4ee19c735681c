import { type Codec, type Mergeable, type MergeOutcome, protobufCodec } from '../../src/index.ts';
import { ProtobufReader, ProtobufWriter } from '../../src/wire/protobuf.ts';

interface Entry {
  readonly bytes: Uint8Array;
  readonly timestamp: number;
}

/** Ring descriptions without understanding them: per instance the newest bytes win. Enough to store and pass on. */
export class OpaqueRing implements Mergeable<OpaqueRing> {
  readonly instances: ReadonlyMap<string, Entry>;

  constructor(instances: ReadonlyMap<string, Entry>) {
    this.instances = instances;
  }

  merge(incoming: OpaqueRing): MergeOutcome<OpaqueRing> {
    if (!(incoming instanceof OpaqueRing)) throw new TypeError('not an OpaqueRing');
    const change = new Map<string, Entry>();
    for (const [name, theirs] of incoming.instances) {
      const ours = this.instances.get(name);
      if (ours === undefined || theirs.timestamp > ours.timestamp) change.set(name, theirs);
    }
    if (change.size === 0) return { value: this, change: undefined };
    const value = new OpaqueRing(new Map([...this.instances, ...change]));
    return { value, change: new OpaqueRing(change) };
  }

  mergeContent(): readonly string[] {
    return [...this.instances.keys()];
  }

  removeTombstones(): { value: OpaqueRing; total: number; removed: number } {
    return { value: this, total: 0, removed: 0 };
  }
}

export const opaqueRingCodec: Codec<OpaqueRing> = protobufCodec({
  id: 'ringDesc',
  encode: (ring) => {
    const writer = new ProtobufWriter();
    for (const [name, { bytes }] of ring.instances) {
      writer.bytes(1, new ProtobufWriter().text(1, name).bytes(2, bytes).finish());
    }
    return writer.finish();
  },
  decode: (message) => {
    const instances = new Map<string, Entry>();
    const reader = new ProtobufReader(message);
    while (reader.nextField()) {
      const entry = new ProtobufReader(reader.bytes());
      let name = '';
      let bytes: Uint8Array = new Uint8Array(0);
      while (entry.nextField()) {
        if (entry.field === 1) name = entry.text();
        else bytes = entry.bytes().slice();
      }
      instances.set(name, { bytes, timestamp: timestampOf(bytes) });
    }
    return new OpaqueRing(instances);
  },
});

function timestampOf(bytes: Uint8Array): number {
  const reader = new ProtobufReader(bytes);
  let timestamp = 0;
  while (reader.nextField()) {
    if (reader.field === 2) timestamp = reader.clampedInt64();
    else reader.skip();
  }
  return timestamp;
}
