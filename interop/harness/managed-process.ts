import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { TimeoutError } from '@ml/runtime';

import { HarnessError } from './errors.ts';
import type { Namespace } from './netns.ts';

const MAX_LOG_LINES = 50_000;
const STOP_LIMIT_MS = 30_000;
const running = new Set<ManagedProcess>();

process.once('exit', () => {
  for (const child of running) child.signal('SIGKILL');
});

export interface ProcessOptions {
  /** For error messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs inside this network namespace, default: the machine's. */
  readonly namespace?: Namespace | undefined;
}

export interface ProcessEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/**
 * A child process with its output kept. It cannot outlive this process: the kernel kills it when the parent is
 * gone, even when that was killed itself.
 */
export class ManagedProcess implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended and all its output is read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #onLine = new Set<() => void>();
  #end: ProcessEnd | undefined;

  private constructor(name: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.pid = pid;
    this.#child = child;
    this.#keep('stdout', child.stdout);
    this.#keep('stderr', child.stderr);
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#end = {
        code: typeof code === 'number' ? code : undefined,
        signal: typeof signal === 'string' ? signal : undefined,
      };
      running.delete(this);
      this.#wake();
      return this.#end;
    });
    running.add(this);
  }

  /** @throws {HarnessError} when the command cannot be started. */
  static async start(options: ProcessOptions): Promise<ManagedProcess> {
    const argv = [
      ...(options.namespace?.execPrefix ?? []),
      'setpriv',
      '--pdeathsig',
      'SIGKILL',
      options.command,
      ...options.args,
    ];
    const [command = '', ...args] = argv;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const failed = await Promise.race([
      once(child, 'spawn').then(() => undefined),
      once(child, 'error').then(([error]: unknown[]) => error),
    ]);
    if (failed !== undefined || child.pid === undefined) {
      throw new HarnessError(
        `${options.name} cannot be started: \`${command}\` is missing (Debian packages util-linux and iproute2)`,
        { cause: failed },
      );
    }
    return new ManagedProcess(options.name, child, child.pid);
  }

  /** How the process ended, undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /** Lines printed so far, at most the newest 50 000. */
  lines(stream: 'stdout' | 'stderr' | 'both' = 'both'): readonly string[] {
    return this.#lines.filter((l) => stream === 'both' || l.stream === stream).map((l) => l.text);
  }

  /** The last lines printed, for error messages. */
  tail(lines = 30): string {
    return `last lines of ${this.name}:\n${this.lines().slice(-lines).join('\n')}`;
  }

  /**
   * Waits for the first line on standard output, which must be JSON.
   *
   * @throws {HarnessError} when the process ends or `withinMs` (default 60 s) passes before.
   */
  async firstJson<T>(withinMs = 60_000): Promise<T> {
    const text = await this.#waitFor(
      () => this.#lines.find((l) => l.stream === 'stdout')?.text,
      'its first line',
      withinMs,
    );
    try {
      const value: T = JSON.parse(text);
      return value;
    } catch (error) {
      throw new HarnessError(`${this.name} printed ${JSON.stringify(text)} where JSON is due`, {
        cause: error,
      });
    }
  }

  /** Waits for an output line that contains `text` or matches it, also one printed before the call. */
  async line(pattern: RegExp, withinMs = 20_000): Promise<string> {
    const find = (): string | undefined => this.#lines.find((l) => pattern.test(l.text))?.text;
    return await this.#waitFor(find, `a line like ${pattern}`, withinMs);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.#child.kill(signal);
  }

  /** Freezes the process: its peers see silence, its sockets stay. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Ends the process at once, without leaving. */
  async kill(): Promise<ProcessEnd> {
    this.signal('SIGKILL');
    return await this.ended;
  }

  /**
   * Asks the process to end and waits for it.
   *
   * @throws {TimeoutError} when it still runs after `withinMs` (default 30 s); it is killed then.
   */
  async stop(withinMs: number = STOP_LIMIT_MS): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    return await this.endWithin(withinMs);
  }

  /**
   * Waits for the process to end by itself.
   *
   * @throws {TimeoutError} when it still runs after `withinMs`; it is killed then.
   */
  async endWithin(withinMs: number): Promise<ProcessEnd> {
    const timer = setTimeout(() => this.signal('SIGKILL'), withinMs);
    const end = await this.ended;
    clearTimeout(timer);
    if (end.signal === 'SIGKILL')
      throw new TimeoutError(`waiting for ${this.name} to end`, withinMs);
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #keep(stream: 'stdout' | 'stderr', source: ChildProcess['stdout']): void {
    if (source === null) return;
    createInterface({ input: source }).on('line', (text) => {
      this.#lines.push({ stream, text });
      if (this.#lines.length > MAX_LOG_LINES) this.#lines.splice(0, MAX_LOG_LINES / 10);
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#onLine) wake();
  }

  async #waitFor(find: () => string | undefined, what: string, withinMs: number): Promise<string> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (this.#end !== undefined || leftMs <= 0) {
        const why =
          this.#end === undefined
            ? `not within ${withinMs} ms`
            : `it ended with ${this.#end.signal ?? `code ${this.#end.code}`}`;
        throw new HarnessError(`${this.name} did not print ${what}: ${why}\n${this.tail()}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, leftMs);
        const wake = (): void => done();
        const listeners = this.#onLine;
        function done(): void {
          clearTimeout(timer);
          listeners.delete(wake);
          resolve();
        }
        listeners.add(wake);
      });
    }
  }
}

/** `-name=value` for each flag; a list repeats its flag, undefined leaves it out. */
export type Flags = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export function flagArguments(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = typeof value === 'object' ? value : [value];
    return values.map((v) => `-${name}=${v}`);
  });
}
