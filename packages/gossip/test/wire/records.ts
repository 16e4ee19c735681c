import type { PacketMessage, PushPullRecord } from '@ml/gossip/wire';
import { fromHex, type Vector } from '../vectors/load.ts';

type Input = Readonly<Record<string, unknown>>;

const text = (input: Input, key: string): string => String(input[key] ?? '');
const number = (input: Input, key: string): number => Number(input[key] ?? 0);

const boolean = (input: Input, key: string): boolean => input[key] === true;

/** A byte field: null is nil, text is hexadecimal. */
function bytes(input: Input, key: string): Uint8Array | undefined {
  const value = input[key];
  return typeof value === 'string' ? fromHex(value) : undefined;
}

function source(input: Input): {
  sourceAddr: Uint8Array | undefined;
  sourcePort: number;
  sourceNode: string;
} {
  const addr = bytes(input, 'SourceAddr');
  return {
    sourceAddr: addr?.length === 0 ? undefined : addr,
    sourcePort: number(input, 'SourcePort'),
    sourceNode: text(input, 'SourceNode'),
  };
}

/** A message in the words of the vectors: Go's field names. */
export function messageOf(type: unknown, input: Input): PacketMessage | undefined {
  const seqNo = number(input, 'SeqNo');
  const node = text(input, 'Node');
  const accusation = { incarnation: number(input, 'Incarnation'), node, from: text(input, 'From') };
  switch (type) {
    case 0:
    case 'ping':
      return { type: 'ping', seqNo, node, ...source(input) };
    case 1:
      return {
        type: 'indirectPing',
        seqNo,
        node,
        target: bytes(input, 'Target') ?? new Uint8Array(0),
        port: number(input, 'Port'),
        nack: boolean(input, 'Nack'),
        ...source(input),
      };
    case 2:
    case 'ack':
      return { type: 'ack', seqNo, payload: bytes(input, 'Payload') };
    case 3:
    case 'suspect':
      return { type: 'suspect', ...accusation };
    case 4:
    case 'alive': {
      const { name, state, ...rest } = recordOf({ ...input, Name: node });
      return { type: 'alive', node: name, ...rest };
    }
    case 5:
      return { type: 'dead', ...accusation };
    case 11:
      return { type: 'nack', seqNo };
    default:
      return undefined;
  }
}

/** A push/pull record in the words of the vectors. */
export function recordOf(input: Input): PushPullRecord {
  return {
    name: text(input, 'Name'),
    addr: bytes(input, 'Addr') ?? new Uint8Array(0),
    port: number(input, 'Port'),
    meta: bytes(input, 'Meta'),
    incarnation: number(input, 'Incarnation'),
    state: number(input, 'State'),
    versions: bytes(input, 'Vsn') ?? new Uint8Array(0),
  };
}

/** The vectors of one group as rows for `it.each`. */
export function rows(found: readonly Vector[]): readonly (readonly [string, Vector])[] {
  return found.map((vector) => [vector.name, vector] as const);
}
