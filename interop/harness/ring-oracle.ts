import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Operation, Read, Reporting, RingDesc, ringCodec, Write, WriteNoExtend } from '@ml/ring';
import { Deferred } from '@ml/runtime';

import { goBinary } from './build.ts';
import { HarnessError } from './errors.ts';

const MAX_STDERR_LINES = 50;

/** An operation under the name by which the Go program knows it. */
export interface NamedOperation {
  readonly name: string;
  readonly operation: Operation;
}

/** The operations that have names. */
export const NAMED_OPERATIONS: readonly NamedOperation[] = [
  { name: 'Write', operation: Write },
  { name: 'WriteNoExtend', operation: WriteNoExtend },
  { name: 'Read', operation: Read },
  { name: 'Reporting', operation: Reporting },
];

/** The operation of this mask. */
export function maskOperation(mask: number): NamedOperation {
  return { name: `mask:${mask >>> 0}`, operation: Operation.ofMask(mask) };
}

/** How both sides read a ring. */
export interface OracleConfig {
  readonly replicationFactor: number;
  /** Whole milliseconds; 0: heartbeats never get too old. */
  readonly heartbeatTimeoutMs: number;
  readonly zoneAwarenessEnabled: boolean;
  readonly excludedZones: readonly string[];
  /** One healthy instance of a key is enough; else a majority. */
  readonly ignoreUnhealthy: boolean;
}

/** A shard that a tenant asks for. */
export interface WantedShard {
  readonly tenant: string;
  readonly size: number;
  /** Whole milliseconds; 0: none. */
  readonly lookbackMs: number;
}

/** What the Go program can be asked. See `go/cmd/ringdiff`. */
export type OracleRequest =
  | {
      readonly type: 'open';
      readonly desc: RingDesc;
      readonly config: OracleConfig;
      readonly keys: readonly number[];
    }
  | { readonly type: 'update'; readonly desc: RingDesc }
  | {
      readonly type: 'get';
      readonly operation: string;
      /** Default: all. */
      readonly maxKeys?: number;
      /** Default: the ring's. */
      readonly replicationFactor?: number;
    }
  | {
      readonly type: 'whole';
      readonly operations: readonly string[];
      readonly zones: readonly string[];
      readonly ids: readonly string[];
    }
  | {
      readonly type: 'shards';
      readonly operations: readonly string[];
      readonly shards: readonly WantedShard[];
      readonly nowUnixMs: number;
    }
  | { readonly type: 'token-ranges'; readonly ids: readonly string[] }
  | { readonly type: 'merge'; readonly mine: RingDesc; readonly incoming: RingDesc };

/** Lines of text joined by line feeds, as their digest and, if asked for, as they are. */
export interface OracleAnswer {
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
  readonly lines?: readonly string[];
}

interface Reply extends OracleAnswer {
  readonly error?: string;
}

/**
 * The reference's own ring code in a process of its own, which holds one open ring. Requests are answered in order,
 * so the next one can be sent before the answer is there.
 */
export class RingOracle implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting: Deferred<Reply>[] = [];
  readonly #stderr: string[] = [];
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close').then(() => this.#fail('it has ended'));
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    }
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        this.#stderr.push(line);
        this.#stderr.splice(0, this.#stderr.length - MAX_STDERR_LINES);
      });
    }
    child.stdin?.on('error', (error) => this.#fail(error.message));
  }

  /** @throws {HarnessError} when the program cannot be built or started. */
  static async start(): Promise<RingOracle> {
    const binary = await goBinary('ringdiff');
    const child = spawn('setpriv', ['--pdeathsig', 'SIGKILL', binary], { stdio: 'pipe' });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new HarnessError('`setpriv` cannot be started (Debian package util-linux)', {
        cause: error,
      });
    }
    return new RingOracle(child);
  }

  /**
   * @param details whether the answer should have its lines.
   * @throws {HarnessError} when the request makes no sense to the program or the program has ended.
   */
  async ask(request: OracleRequest, details: boolean = false): Promise<OracleAnswer> {
    const answer = new Deferred<Reply>();
    this.#waiting.push(answer);
    if (this.#child.exitCode !== null) this.#fail('it has ended');
    const text = JSON.stringify({ ...request, details }, encodeRings);
    this.#child.stdin?.write(`${text}\n`);
    const reply = await answer.promise;
    if (reply.error === undefined) return reply;
    throw new HarnessError(`ringdiff refuses a request of type ${request.type}: ${reply.error}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #take(line: string): void {
    try {
      const reply: Reply = JSON.parse(line);
      this.#waiting.shift()?.resolve(reply);
    } catch (error) {
      this.#fail(`it printed ${JSON.stringify(line.slice(0, 200))}`, error);
    }
  }

  #fail(why: string, cause?: unknown): void {
    const said = this.#stderr.length === 0 ? '' : `\n${this.#stderr.join('\n')}`;
    for (const answer of this.#waiting.splice(0)) {
      answer.reject(new HarnessError(`ringdiff does not answer: ${why}${said}`, { cause }));
    }
  }
}

function encodeRings(_key: string, value: unknown): unknown {
  return value instanceof RingDesc
    ? Buffer.from(ringCodec.encode(value)).toString('base64')
    : value;
}
