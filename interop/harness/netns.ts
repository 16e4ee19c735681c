import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { HarnessError, textOf } from './errors.ts';
import { MachineLock } from './machine-lock.ts';

const run = promisify(execFile);

/** Namespaces there can be at a time on a machine. */
const MAX_NAMESPACES = 512;
const HOST_CONFIG_DIR = '/etc/netns';

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search?: readonly string[];
  /** Default of the C library and of Go: 1. */
  readonly ndots?: number;
  /** Seconds per try, default here: 1. */
  readonly timeoutS?: number;
  /** Default here: 2. */
  readonly attempts?: number;
}

export interface NamespaceOptions {
  /** What programs inside find in /etc/resolv.conf; default: a server on the namespace's own loopback. */
  readonly resolvConf?: ResolvConf;
  /** Lines added to /etc/hosts inside. */
  readonly hosts?: readonly string[];
}

/**
 * A network namespace with a loopback of its own and one link to the machine, over which the tests reach what runs
 * inside. It is removed on disposal; what a killed test run leaves behind is removed by the next that takes its name.
 */
export class Namespace implements AsyncDisposable {
  readonly name: string;
  /** Its address on the link, reachable from the machine and from inside. */
  readonly address: string;
  /** The machine's address on the link. */
  readonly hostAddress: string;
  /** Command prefix that runs a program inside. */
  readonly execPrefix: readonly string[];
  readonly #lock: MachineLock;

  private constructor(index: number, lock: MachineLock) {
    this.name = `ml${index}`;
    this.hostAddress = linkAddress(index, 1);
    this.address = linkAddress(index, 2);
    this.execPrefix = ['ip', 'netns', 'exec', this.name];
    this.#lock = lock;
  }

  /** @throws {HarnessError} without root, without iproute2, or when all names are taken. */
  static async create(options: NamespaceOptions = {}): Promise<Namespace> {
    const namespace = await Namespace.#claim();
    try {
      await namespace.#removeTraces();
      await namespace.#configure(options);
      await namespace.#connect();
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
    return namespace;
  }

  static async #claim(): Promise<Namespace> {
    for (let index = 0; index < MAX_NAMESPACES; index++) {
      const lock = await MachineLock.tryTake(`netns-${index}`);
      if (lock !== undefined) return new Namespace(index, lock);
    }
    throw new HarnessError(`all ${MAX_NAMESPACES} network namespaces are in use`);
  }

  /** Runs a program inside to its end. @returns its standard output. */
  async exec(command: string, ...args: readonly string[]): Promise<string> {
    const [ip = '', ...prefix] = this.execPrefix;
    return await runTool(ip, [...prefix, command, ...args]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#removeTraces();
    await this.#lock[Symbol.asyncDispose]();
  }

  async #configure(options: NamespaceOptions): Promise<void> {
    const dir = join(HOST_CONFIG_DIR, this.name);
    await mkdir(dir, { recursive: true });
    const resolvConf = options.resolvConf ?? { nameservers: ['127.0.0.1'] };
    await writeFile(join(dir, 'resolv.conf'), resolvConfText(resolvConf));
    const hosts = ['127.0.0.1 localhost', '::1 localhost', ...(options.hosts ?? [])];
    await writeFile(join(dir, 'hosts'), `${hosts.join('\n')}\n`);
  }

  async #connect(): Promise<void> {
    const link = linkName(this.name);
    await runTool('ip', ['netns', 'add', this.name]);
    await runTool('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
    const ends = ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0'];
    await runTool('ip', [...ends, 'netns', this.name]);
    await runTool('ip', ['addr', 'add', `${this.hostAddress}/30`, 'dev', link]);
    await runTool('ip', ['link', 'set', link, 'up']);
    await runTool('ip', ['-n', this.name, 'addr', 'add', `${this.address}/30`, 'dev', 'eth0']);
    await runTool('ip', ['-n', this.name, 'link', 'set', 'eth0', 'up']);
  }

  async #removeTraces(): Promise<void> {
    const names = (await runTool('ip', ['netns', 'list']))
      .split('\n')
      .map((line) => line.split(' ')[0]);
    // The link goes first: the namespace itself lingers until the last process inside is gone.
    await run('ip', ['link', 'del', linkName(this.name)]).catch(ignoreAbsent);
    if (names.includes(this.name)) await runTool('ip', ['netns', 'del', this.name]);
    await rm(join(HOST_CONFIG_DIR, this.name), { recursive: true, force: true });
  }
}

function ignoreAbsent(error: unknown): void {
  if (!textOf(error).includes('Cannot find device')) throw error;
}

function linkName(namespace: string): string {
  return `${namespace}-link`;
}

function linkAddress(index: number, end: number): string {
  const offset = index * 4 + end;
  return `10.76.${offset >> 8}.${offset & 0xff}`;
}

function resolvConfText(conf: ResolvConf): string {
  const lines = conf.nameservers.map((server) => `nameserver ${server}`);
  if (conf.search !== undefined && conf.search.length > 0) {
    lines.push(`search ${conf.search.join(' ')}`);
  }
  const { ndots = 1, timeoutS = 1, attempts = 2 } = conf;
  lines.push(`options ndots:${ndots} timeout:${timeoutS} attempts:${attempts}`);
  return `${lines.join('\n')}\n`;
}

async function runTool(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(command, args, { maxBuffer: 16 << 20 });
    return stdout;
  } catch (error) {
    const hint =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? ` (\`${command}\` is missing: Debian package iproute2)`
        : ' (network namespaces need root)';
    throw new HarnessError(`${command} ${args.join(' ')} failed${hint}: ${textOf(error)}`, {
      cause: error,
    });
  }
}
