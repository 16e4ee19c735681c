import { Deferred, MlError } from '@ml/runtime';
import { DialError } from './errors.ts';
import { parseIp, sameIp } from './ip.ts';
import type { Address, Packet, Stream, Transport, TransportHandler } from './transport.ts';

/** What a case needs from whoever runs it. */
export interface ConformanceTools {
  /** Lets the world go on until the promise settles; fails after a while. Real sockets: await. Virtual time: run it. */
  settle<T>(promise: PromiseLike<T>): Promise<T>;
  /** Lets the world go on for a moment, so that what must not happen would have. */
  rest(): Promise<void>;
  /** An address whose host is up and where nobody listens. */
  readonly refused: Address;
  /** An address that never answers; undefined where there is none (loopback). */
  readonly silent?: Address | undefined;
  /** Makes two more transports, for what happens after closing. */
  pair(): Promise<readonly [Transport, Transport]>;
}

/** One claim about a transport. `a` and `b` are new and do not listen yet; whoever runs the case disposes them. */
export interface ConformanceCase {
  readonly name: string;
  run(a: Transport, b: Transport, tools: ConformanceTools): Promise<void>;
}

/** A transport does not keep what {@link Transport} promises. */
export class ConformanceError extends TypeError {}

/** What every {@link Transport} must pass. No test runner inside: run each case on a fresh pair. */
export const transportConformance: readonly ConformanceCase[] = [
  {
    name: 'the advertised bytes are those of the advertised address',
    async run(a) {
      const ip = parseIp(a.advertised.host);
      expect(ip !== undefined && sameIp(ip, a.advertisedIp), 'advertisedIp is another address');
      expect(a.advertised.port > 0, 'the advertised port is 0');
    },
  },
  {
    name: 'a packet arrives byte for byte and says who sent it',
    async run(a, b, { settle }) {
      const inbox = await open(b);
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
      a.sendPacket(b.advertised, bytes);
      const packet = await settle(inbox.packet());
      expectBytes(packet.bytes, bytes);
      expect(packet.from.host === a.advertised.host, `from is ${packet.from.host}`);
      expect(packet.from.port === a.advertised.port, `from has port ${packet.from.port}`);
    },
  },
  {
    name: 'an empty packet arrives',
    async run(a, b, { settle }) {
      const inbox = await open(b);
      a.sendPacket(b.advertised, new Uint8Array(0));
      expectBytes((await settle(inbox.packet())).bytes, new Uint8Array(0));
    },
  },
  {
    name: 'a packet of 5 MiB arrives whole',
    async run(a, b, { settle }) {
      const inbox = await open(b);
      const bytes = pattern(5 * 1024 * 1024);
      a.sendPacket(b.advertised, bytes);
      expectBytes((await settle(inbox.packet())).bytes, bytes);
    },
  },
  {
    name: 'a transport can send packets to itself',
    async run(a, _b, { settle }) {
      const inbox = await open(a);
      a.sendPacket(a.advertised, Uint8Array.of(7));
      expectBytes((await settle(inbox.packet())).bytes, Uint8Array.of(7));
    },
  },
  {
    name: '200 packets sent at once all arrive, in any order',
    async run(a, b, { settle }) {
      const inbox = await open(b);
      for (let at = 0; at < 200; at++) a.sendPacket(b.advertised, Uint8Array.of(at));
      const seen = new Set<number>();
      while (seen.size < 200) seen.add((await settle(inbox.packet())).bytes[0] ?? -1);
      expect(!seen.has(-1), 'a packet came without its byte');
    },
  },
  {
    name: 'a packet to nobody is lost without a word',
    async run(a, b, { refused, settle }) {
      const inbox = await open(b);
      a.sendPacket(refused, Uint8Array.of(1));
      a.sendPacket(b.advertised, Uint8Array.of(2));
      expectBytes((await settle(inbox.packet())).bytes, Uint8Array.of(2));
    },
  },
  {
    name: 'a stream carries bytes both ways and each side ends by itself',
    async run(a, b, { settle }) {
      const [near, far] = await connected(a, b, settle);
      await settle(near.write(Uint8Array.of(1, 2)));
      await settle(near.write(Uint8Array.of(3)));
      await settle(near.closeWrite());
      expectBytes(await settle(readAll(far)), Uint8Array.of(1, 2, 3));
      await settle(far.write(Uint8Array.of(4)));
      await settle(far.closeWrite());
      expectBytes(await settle(readAll(near)), Uint8Array.of(4));
      await settle(near[Symbol.asyncDispose]());
      await settle(far[Symbol.asyncDispose]());
    },
  },
  {
    name: 'a stream tells the dialled address',
    async run(a, b, { settle }) {
      const [near] = await connected(a, b, settle);
      expect(near.remote.host === b.advertised.host, `remote is ${near.remote.host}`);
      expect(near.remote.port === b.advertised.port, `remote has port ${near.remote.port}`);
    },
  },
  {
    name: 'a stream of 5 MiB arrives whole and in order',
    async run(a, b, { settle }) {
      const [near, far] = await connected(a, b, settle);
      const bytes = pattern(5 * 1024 * 1024);
      const sent = near.write(bytes).then(() => near.closeWrite());
      expectBytes(await settle(readAll(far)), bytes);
      await settle(sent);
    },
  },
  {
    name: 'a writer waits for a reader that does not read',
    async run(a, b, { settle, rest }) {
      const [near, far] = await connected(a, b, settle);
      const bytes = pattern(64 * 1024 * 1024);
      const state = { written: false };
      const sent = near.write(bytes).then(() => {
        state.written = true;
        return near.closeWrite();
      });
      await rest();
      expect(!state.written, '64 MiB left the writer with nobody reading');
      const length = await settle(countAll(far));
      expect(length === bytes.length, `${length} bytes arrived`);
      await settle(sent);
    },
  },
  {
    name: 'bytes written before disposal still arrive',
    async run(a, b, { settle }) {
      const [near, far] = await connected(a, b, settle);
      await settle(near.write(Uint8Array.of(1, 2, 3)));
      await settle(near[Symbol.asyncDispose]());
      expectBytes(await settle(readAll(far)), Uint8Array.of(1, 2, 3));
    },
  },
  {
    name: 'disposing a stream ends a pending read and a pending write of its own side',
    async run(a, b, { settle }) {
      const [near] = await connected(a, b, settle);
      const reading = outcome(readAll(near));
      const writing = outcome(near.write(pattern(64 * 1024 * 1024)));
      await settle(near[Symbol.asyncDispose]());
      expect((await settle(reading)) === 'rejected', 'the read went on');
      expect((await settle(writing)) === 'rejected', 'the write went on');
      await settle(near[Symbol.asyncDispose]());
    },
  },
  {
    name: 'a stream that is cut while bytes are under way breaks at the other side',
    async run(a, b, { settle }) {
      const [near, far] = await connected(a, b, settle);
      const writing = outcome(near.write(pattern(64 * 1024 * 1024)));
      await settle(far[Symbol.asyncDispose]());
      expect((await settle(writing)) === 'rejected', 'the write went on');
    },
  },
  {
    name: 'writing after the end is refused',
    async run(a, b, { settle }) {
      const [near] = await connected(a, b, settle);
      await settle(near.closeWrite());
      await settle(near.closeWrite());
      expect((await outcome(near.write(Uint8Array.of(1)))) === 'rejected', 'the write was taken');
    },
  },
  {
    name: 'dialling where nobody listens fails',
    async run(a, _b, { refused, settle }) {
      const failure = await settle(failureOf(a.dial(refused, { timeoutMs: 5000 })));
      expect(codeOf(failure) === 'ML_TRANSPORT_DIAL', `failed with ${String(failure)}`);
      expect(reasonOf(failure) === 'refused', `the reason is ${reasonOf(failure)}`);
    },
  },
  {
    name: 'dialling where nobody answers fails when the time is up',
    async run(a, _b, { silent, settle }) {
      if (silent === undefined) return;
      const failure = await settle(failureOf(a.dial(silent, { timeoutMs: 50 })));
      expect(reasonOf(failure) === 'timeout', `failed with ${String(failure)}`);
    },
  },
  {
    name: 'dialling what is no IP fails',
    async run(a, _b, { settle }) {
      const to = { host: 'not an ip', port: 1 };
      const failure = await settle(failureOf(a.dial(to, { timeoutMs: 50 })));
      expect(reasonOf(failure) === 'invalid', `failed with ${String(failure)}`);
    },
  },
  {
    name: 'an aborted dial rejects with the reason of its signal',
    async run(a, b, { settle }) {
      await open(b);
      const reason = new ConformanceError('enough');
      const before = AbortSignal.abort(reason);
      const early = a.dial(b.advertised, { timeoutMs: 0, signal: before });
      expect((await settle(failureOf(early))) === reason, 'an early abort lost its reason');
      const controller = new AbortController();
      const dial = a.dial(b.advertised, { timeoutMs: 0, signal: controller.signal });
      const failure = failureOf(dial);
      controller.abort(reason);
      expect((await settle(failure)) === reason, 'a late abort lost its reason');
    },
  },
  {
    name: '100 streams at once do not mix',
    async run(a, b, { settle }) {
      await open(b, {
        onStream: (stream) => {
          echo(stream).catch(() => {}); // the dialling side is what is tested
        },
      });
      const answers = Array.from({ length: 100 }, async (_, at) => {
        const stream = await a.dial(b.advertised, { timeoutMs: 10_000 });
        await stream.write(Uint8Array.of(at));
        await stream.closeWrite();
        const answer = await readAll(stream);
        await stream[Symbol.asyncDispose]();
        return answer[0];
      });
      const got = await settle(Promise.all(answers));
      expect(
        got.every((value, at) => value === at),
        'an answer came back on another stream',
      );
    },
  },
  {
    name: 'closing twice is closing once, and a closed transport neither sends nor dials',
    async run(a, b, { settle, rest }) {
      const inbox = await open(b);
      await settle(Promise.all([a[Symbol.asyncDispose](), a[Symbol.asyncDispose]()]));
      await settle(a[Symbol.asyncDispose]());
      a.sendPacket(b.advertised, Uint8Array.of(1));
      const failure = await settle(failureOf(a.dial(b.advertised, { timeoutMs: 1000 })));
      expect(reasonOf(failure) === 'closed', `failed with ${String(failure)}`);
      await rest();
      expect(inbox.count === 0, 'a closed transport sent a packet');
    },
  },
  {
    name: 'nothing is delivered after closing',
    async run(a, b, { settle, rest }) {
      const inbox = await open(b);
      a.sendPacket(b.advertised, Uint8Array.of(1));
      await settle(inbox.packet());
      const { count } = inbox;
      await settle(b[Symbol.asyncDispose]());
      a.sendPacket(b.advertised, Uint8Array.of(2));
      const failure = await settle(failureOf(a.dial(b.advertised, { timeoutMs: 1000 })));
      expect(codeOf(failure) === 'ML_TRANSPORT_DIAL', `failed with ${String(failure)}`);
      await rest();
      expect(inbox.count === count, 'something was delivered after closing');
    },
  },
  {
    name: 'closing a transport breaks its streams',
    async run(a, b, { settle }) {
      const [near, far] = await connected(a, b, settle);
      const reading = outcome(readAll(near));
      await settle(b[Symbol.asyncDispose]());
      await settle(reading);
      expect((await outcome(far.write(Uint8Array.of(1)))) === 'rejected', 'its side lived on');
    },
  },
  {
    name: 'closing one transport leaves others alone',
    async run(a, b, { settle, pair }) {
      const [c, d] = await pair();
      await settle(a[Symbol.asyncDispose]());
      await settle(b[Symbol.asyncDispose]());
      const inbox = await open(d);
      c.sendPacket(d.advertised, Uint8Array.of(9));
      expectBytes((await settle(inbox.packet())).bytes, Uint8Array.of(9));
      await settle(c[Symbol.asyncDispose]());
      await settle(d[Symbol.asyncDispose]());
    },
  },
];

/** Reads a stream to its end. */
async function readAll(stream: Stream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream.source) {
    chunks.push(chunk);
    length += chunk.length;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function countAll(stream: Stream): Promise<number> {
  let length = 0;
  for await (const chunk of stream.source) length += chunk.length;
  return length;
}

async function echo(stream: Stream): Promise<void> {
  for await (const chunk of stream.source) await stream.write(chunk);
  await stream.closeWrite();
  await stream[Symbol.asyncDispose]();
}

/** What arrives at one transport. */
class Inbox implements TransportHandler {
  count = 0;
  readonly #packets: Packet[] = [];
  readonly #streams: Stream[] = [];
  readonly #wakeUps: (() => void)[] = [];
  readonly #own: Partial<TransportHandler>;

  constructor(own: Partial<TransportHandler>) {
    this.#own = own;
  }

  onPacket(packet: Packet): void {
    this.count++;
    this.#packets.push(packet);
    this.#wake();
  }

  onStream(stream: Stream): void {
    this.count++;
    if (this.#own.onStream !== undefined) {
      this.#own.onStream(stream);
      return;
    }
    this.#streams.push(stream);
    this.#wake();
  }

  packet(): Promise<Packet> {
    return this.#take(this.#packets);
  }

  stream(): Promise<Stream> {
    return this.#take(this.#streams);
  }

  async #take<T>(from: T[]): Promise<T> {
    for (;;) {
      const next = from.shift();
      if (next !== undefined) return next;
      const woken = new Deferred<void>();
      this.#wakeUps.push(() => woken.resolve());
      await woken.promise;
    }
  }

  #wake(): void {
    for (const wake of this.#wakeUps.splice(0)) wake();
  }
}

async function open(transport: Transport, own: Partial<TransportHandler> = {}): Promise<Inbox> {
  const inbox = new Inbox(own);
  await transport.listen(inbox);
  return inbox;
}

async function connected(
  a: Transport,
  b: Transport,
  settle: ConformanceTools['settle'],
): Promise<readonly [near: Stream, far: Stream]> {
  const inbox = await open(b);
  const near = await settle(a.dial(b.advertised, { timeoutMs: 5000 }));
  return [near, await settle(inbox.stream())];
}

async function outcome(promise: Promise<unknown>): Promise<'resolved' | 'rejected'> {
  return (await failureOf(promise)) === undefined ? 'resolved' : 'rejected';
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

function codeOf(value: unknown): string | undefined {
  return MlError.is(value) ? value.code : undefined;
}

function reasonOf(value: unknown): string | undefined {
  return value instanceof DialError ? value.reason : undefined;
}

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at ^ (at >> 8) ^ (at >> 16)) & 0xff;
  return bytes;
}

function expectBytes(got: Uint8Array, wanted: Uint8Array): void {
  const same = got.length === wanted.length && got.every((byte, at) => byte === wanted[at]);
  expect(same, `${got.length} bytes arrived that are not the ${wanted.length} sent`);
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new ConformanceError(otherwise);
}
