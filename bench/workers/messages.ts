import { decodeMessage, encodeMessage, encodeStreamMessage, StreamDecoder } from '@ml/gossip/wire';
import { keep, type Prepare, repeated } from './measure.ts';

const name = 'ingester-zone-a-0042-1a2b3c4d';
const versions = Uint8Array.of(1, 5, 2, 0, 0, 0);

const ping = {
  type: 'ping',
  seqNo: 4_000_000_001,
  node: name,
  sourceAddr: Uint8Array.of(192, 168, 200, 254),
  sourcePort: 7946,
  sourceNode: 'querier-6f7d8c9b-x2x4z-99aabbcc',
} as const;

const alive = {
  type: 'alive',
  incarnation: 7,
  node: name,
  addr: Uint8Array.of(192, 168, 200, 254),
  port: 7946,
  meta: undefined,
  versions,
} as const;

const states = {
  type: 'pushPull',
  join: false,
  userState: new Uint8Array(0),
  records: Array.from({ length: 100 }, (_, i) => ({
    name,
    addr: Uint8Array.of(192, 168, 200, i),
    port: 7946,
    meta: undefined,
    incarnation: i,
    state: 0,
    versions,
  })),
} as const;

const encodedPing = encodeMessage(ping);
const encodedAlive = encodeMessage(alive);
const encodedStates = encodeStreamMessage(states, { compress: false });

function decodeStates(): unknown {
  const decoder = new StreamDecoder({ expectLabel: false, label: '', skipLabelCheck: false });
  return decoder.push(encodedStates);
}

/** One message each way, and the hundred member records of a push/pull. */
export const messageBenchmarks: Readonly<Record<string, Prepare>> = {
  'message.encode.ping': () => repeated(() => keep(encodeMessage(ping))),
  'message.decode.ping': () => repeated(() => keep(decodeMessage(encodedPing))),
  'message.encode.alive': () => repeated(() => keep(encodeMessage(alive))),
  'message.decode.alive': () => repeated(() => keep(decodeMessage(encodedAlive))),
  'message.encode.states100': () =>
    repeated(() => keep(encodeStreamMessage(states, { compress: false }))),
  'message.decode.states100': () => repeated(() => keep(decodeStates())),
};
