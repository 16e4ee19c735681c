import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { NodesAnswer, NodesRequest } from './protocol.ts';

/** What the loopback of a network namespace has carried. */
export interface Wire {
  readonly bytes: number;
  readonly packets: number;
}

/** A program in a network namespace of its own, whose loopback carries nothing else; it goes with the program. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    command: readonly string[],
    child: ChildProcess,
    stdout: NodeJS.ReadableStream,
  ) {
    this.pid = child.pid ?? 0;
    this.#name = command.join(' ');
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', () => resolve()));
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** In a new namespace, or in that of `beside`. */
  static start(command: readonly string[], beside?: Program): Program {
    const enter =
      beside === undefined
        ? ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
        : ['nsenter', '-t', String(beside.pid), '-n'];
    const [run = '', ...args] = [...enter, ...command];
    // The tools replace themselves by the command, so the process we start is the command's in the end.
    const child = spawn(run, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    return new Program(command, child, child.stdout);
  }

  async ask(request: NodesRequest): Promise<NodesAnswer> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new TypeError(`${this.#name} ended before it answered`);
    const answer: NodesAnswer = JSON.parse(line.value);
    if (answer.error !== undefined) throw new TypeError(`${this.#name}: ${answer.error}`);
    return answer;
  }

  async wire(): Promise<Wire> {
    const table = await readFile(`/proc/${this.pid}/net/dev`, 'utf8');
    const received = /^\s*lo:\s*(\d+)\s+(\d+)/m.exec(table);
    if (received === null) throw new TypeError(`${this.#name} has no loopback`);
    return { bytes: Number(received[1]), packets: Number(received[2]) };
  }

  /** Memory in use, in bytes. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
  }
}
