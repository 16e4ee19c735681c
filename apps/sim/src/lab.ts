import { createMemberlist, type GossipConfig, type Memberlist, MemberPool } from '@ml/gossip';
import { assert, Deferred, type Logger } from '@ml/runtime';
import { type VirtualNode, VirtualRuntime } from '@ml/runtime/virtual';
import type { Address, Stream, Transport, TransportHandler } from '@ml/transport';
import { type LinkFaults, SimNetwork } from '@ml/transport/sim';
import { MARKS, type Mark } from './sim-log.ts';

/** Every member of a lab gossips here. */
export const GOSSIP_PORT = 7946;
/** Packets that a stalled member holds back; further ones are lost, as when a socket's buffer is full. */
const MAX_HELD_PACKETS = 10_000;

/** What a {@link Lab} is made of. */
export interface LabOptions {
  readonly seed: bigint | number;
  readonly members: number;
  readonly gossip: GossipConfig;
  /** Default: 0.2 to 1 ms, no faults. */
  readonly link?: LinkFaults;
  /** All members start at one moment and without stagger, so that their rounds coincide. Default false: random phases. */
  readonly synchronous?: boolean;
}

/** What a member found out about another, at a virtual time. */
export interface LabEvent {
  readonly type: Mark;
  readonly atMs: number;
  /** Numbers of who found out, and about whom. */
  readonly by: number;
  readonly about: number;
  /** Who accused, for suspicions and confirmations: a name, else empty. */
  readonly from: string;
  /** How long the suspicion had lasted, for deaths that the member declared itself. */
  readonly suspectMs: number | undefined;
}

/** One member of a {@link Lab}. */
export interface LabMember {
  readonly number: number;
  readonly name: string;
  readonly ip: string;
  readonly runtime: VirtualNode;
  readonly memberlist: Memberlist;
  readonly stall: Stall;
  /** What it has sent: packets, and streams that it dialled. */
  readonly sent: { packets: number; dials: number };
  crashed: boolean;
}

/**
 * Members of one cluster with nothing around them: the membership of production over a simulated network, without trace,
 * DNS or store. For experiments that need thousands of runs; everything else takes a SimCluster.
 */
export class Lab {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly members: LabMember[] = [];
  readonly #options: LabOptions;
  readonly #pool = new MemberPool({ shared: true });
  readonly #numbers = new Map<string, number>();
  readonly #observers = new Set<(event: LabEvent) => void>();
  #link: LinkFaults;

  private constructor(options: LabOptions) {
    this.#options = options;
    this.runtime = new VirtualRuntime({ seed: options.seed });
    this.#link = options.link ?? { latencyMs: [0.2, 1] };
    const link = (): LinkFaults => this.#link;
    this.network = new SimNetwork({ runtime: this.runtime, link, maxPacketBytes: 1400 });
  }

  /** A cluster in which everybody sees everybody, with nothing left to be gossiped. */
  static async create(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    await lab.#grow();
    return lab;
  }

  /** Is told of every event from now on, synchronously. Disposing ends that. */
  observe(observer: (event: LabEvent) => void): Disposable {
    this.#observers.add(observer);
    return { [Symbol.dispose]: () => this.#observers.delete(observer) };
  }

  member(number: number): LabMember {
    const member = this.members[number];
    assert(member !== undefined, `there is no member ${number}`);
    return member;
  }

  /** The process is gone without a word. */
  crash(member: LabMember): void {
    member.crashed = true;
    this.network.kill(member.ip);
    member.runtime.crash();
    void member.memberlist.close();
  }

  /** Stops a process as SIGSTOP would: neither its timers nor its packets. Disposing goes on. */
  pause(member: LabMember): Disposable {
    const network = this.network.pause(member.ip);
    member.runtime.pause();
    return {
      [Symbol.dispose]: () => {
        member.runtime.resume();
        network[Symbol.dispose]();
      },
    };
  }

  /** Holds up a member's messages, both ways, while its timers run: Lifeguard's slow message processing. Disposing ends it. */
  stall(member: LabMember): Disposable {
    const inbound = this.network.pause(member.ip);
    member.stall.begin();
    return {
      [Symbol.dispose]: () => {
        inbound[Symbol.dispose]();
        member.stall.end();
      },
    };
  }

  /** Whether everyone who lives sees exactly those who live. */
  get converged(): boolean {
    const live = this.members.filter(({ crashed }) => !crashed);
    return live.every(({ memberlist }) => memberlist.memberCount === live.length);
  }

  /** Whether, besides, nobody is suspect and nothing waits to be gossiped. */
  get quiet(): boolean {
    if (!this.converged) return false;
    return this.members.every(({ crashed, memberlist }) => {
      if (crashed) return true;
      if (memberlist.queuedBroadcasts > 0) return false;
      return memberlist.members().every(({ state }) => state === 'alive');
    });
  }

  /** From now on each packet is lost with this probability, and each segment of a stream is delayed as often. */
  lossy(loss: number): void {
    this.#link = { ...this.#link, loss };
  }

  /** Says good-bye; the process stays until it is crashed. */
  async leave(member: LabMember): Promise<void> {
    await this.#settle(member.memberlist.leave({ timeoutMs: 0 }));
  }

  async runFor(ms: number): Promise<void> {
    await this.runtime.runFor(ms);
  }

  /** Lets time pass until `done` holds, which is asked every `everyMs`. */
  async runUntil(done: () => boolean, limitMs: number, everyMs = 20): Promise<void> {
    await this.runtime.runUntil(done, { limitMs, checkEveryMs: everyMs });
  }

  async #grow(): Promise<void> {
    const { members, gossip, synchronous = false } = this.#options;
    const phases = this.runtime.random.fork('phases');
    for (let number = 0; number < members; number++) {
      // Members start at random moments, so that their rounds have random phases.
      if (!synchronous) await this.runtime.runFor(phases.float() * START_SPREAD_MS);
      await this.#add(number);
    }
    const [first, ...others] = this.members;
    // Without regular full exchanges gossip alone would now and then miss somebody for ever.
    const rounds = gossip.pushPullIntervalMs === 0 ? 2 : 1;
    for (let round = 0; round < rounds; round++) {
      for (const { memberlist } of others) await this.#settle(memberlist.join([first?.ip ?? '']));
    }
    await this.runUntil(() => this.converged, 600_000, 500);
    await this.runUntil(() => this.quiet, 600_000, 500);
    if (!synchronous) await this.runFor(phases.float() * Math.max(1, gossip.probeIntervalMs));
  }

  async #add(number: number): Promise<void> {
    const { runtime, network } = this;
    const { gossip, synchronous = false } = this.#options;
    const name = `member-${number}`;
    const ip = `10.0.${number >> 8}.${(number & 0xff) + 1}`;
    const node = runtime.node(name);
    const stall = new Stall();
    const sent = { packets: 0, dials: 0 };
    this.#numbers.set(name, number);
    const inner = network.transport({ host: ip, port: GOSSIP_PORT });
    const { clock, timers, random } = node;
    const memberlist = await createMemberlist({
      name,
      config: synchronous ? { ...gossip, stagger: false } : gossip,
      runtime: { clock, timers, random, log: this.#log(number) },
      transport: new StallingTransport({ inner, stall, sent }),
      resolveHost: async (host) => [host],
      pool: this.#pool,
    });
    this.members.push({ number, name, ip, runtime: node, memberlist, stall, sent, crashed: false });
  }

  async #settle(work: Promise<unknown>): Promise<void> {
    let over = false;
    const finish = (): void => {
      over = true;
    };
    work.then(finish, finish);
    await this.runtime.runUntil(() => over, { limitMs: 60_000 });
    await work;
  }

  #log(by: number): Logger {
    const line = (fields: object, message: string): void => {
      const type = MARKS.get(message);
      if (type === undefined || this.#observers.size === 0) return;
      const about = 'member' in fields ? this.#numbers.get(String(fields.member)) : undefined;
      if (about === undefined) return;
      const from = 'from' in fields && typeof fields.from === 'string' ? fields.from : '';
      const suspectMs =
        'suspectMs' in fields && typeof fields.suspectMs === 'number'
          ? fields.suspectMs
          : undefined;
      const event = { type, atMs: this.runtime.now, by, about, from, suspectMs };
      for (const observer of this.#observers) observer(event);
    };
    const log: Logger = { debug: line, info: line, warn: line, error: line, child: () => log };
    return log;
  }
}

/** Longest time between the starts of two members. */
const START_SPREAD_MS = 40;

/** Whether a member's messages are held up, and those that are. */
export class Stall {
  #held: (() => void)[] | undefined;
  #over: Deferred<void> | undefined;

  begin(): void {
    assert(this.#held === undefined, 'a member is stalled twice');
    this.#held = [];
    this.#over = new Deferred();
  }

  /** Lets everything go, in order. */
  end(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) run();
    this.#over?.resolve();
    this.#over = undefined;
  }

  /** Runs `send` now, or when the stall ends. */
  pass(send: () => void): void {
    if (this.#held === undefined) send();
    else if (this.#held.length < MAX_HELD_PACKETS) this.#held.push(send);
  }

  /** Resolves when the stall is over, at once when there is none. */
  async wait(): Promise<void> {
    await this.#over?.promise;
  }
}

interface StallingTransportOptions {
  readonly inner: Transport;
  readonly stall: Stall;
  readonly sent: LabMember['sent'];
}

/** A transport whose sending a {@link Stall} holds up; receiving is held up in the network. */
class StallingTransport implements Transport {
  readonly #options: StallingTransportOptions;

  constructor(options: StallingTransportOptions) {
    this.#options = options;
  }

  get advertised(): Address {
    return this.#options.inner.advertised;
  }

  get advertisedIp(): Uint8Array {
    return this.#options.inner.advertisedIp;
  }

  get maxPacketBytes(): number {
    return this.#options.inner.maxPacketBytes;
  }

  listen(handler: TransportHandler): Promise<void> {
    return this.#options.inner.listen(handler);
  }

  sendPacket(to: Address, bytes: Uint8Array): void {
    const { inner, stall, sent } = this.#options;
    sent.packets += 1;
    stall.pass(() => inner.sendPacket(to, bytes));
  }

  async dial(
    to: Address,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream> {
    const { inner, stall, sent } = this.#options;
    sent.dials += 1;
    await stall.wait();
    return await inner.dial(to, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.inner[Symbol.asyncDispose]();
  }
}
