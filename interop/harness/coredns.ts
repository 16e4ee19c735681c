import { Resolver } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { coreDnsBinary } from './build.ts';
import { HarnessError } from './errors.ts';
import { eventually } from './eventually.ts';
import { ManagedProcess } from './managed-process.ts';
import type { Namespace } from './netns.ts';

/** Suffix of every name served. */
export const ZONE = 'cluster.test';

const GENERATION_NAME = 'generation.harness.test';
const START_LIMIT_MS = 20_000;

/** Records by name relative to the zone, each as in a zone file without name and TTL: `A 127.0.0.1`. */
export type Records = Readonly<Record<string, readonly string[]>>;

/**
 * How a name answers: from the zone, `nxdomain`, `servfail`, or not at all. A silent server answers neither, so the
 * resolver runs into its timeouts.
 */
export type Answer = 'zone' | 'nxdomain' | 'servfail' | 'silent';

/** Numbers 1 to `count`. */
function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/**
 * Names that cover what a resolver meets; addresses are loopback, all of them usable inside a namespace.
 *
 * `one`, `three`, `hundred`: A records from 127.0.0.11, 127.0.0.11, 127.0.1.1. `alias`: CNAME of `three`. `v6`: only
 * AAAA. `dual`: both. `gossip` and `_gossip._tcp`: SRV of the three with port 7946. `ports`: SRV with three ports on
 * one host. `many`: SRV with 100 targets, more than a datagram holds. `dangling`: SRV of an existing and a missing
 * host. `weighted`: SRV with priorities. `none`: exists without addresses.
 */
export const STANDARD_RECORDS: Records = {
  one: ['A 127.0.0.11'],
  three: upTo(3).map((i) => `A 127.0.0.${10 + i}`),
  hundred: upTo(100).map((i) => `A 127.0.1.${i}`),
  alias: ['CNAME three'],
  v6: ['AAAA ::1'],
  dual: ['A 127.0.0.11', 'AAAA ::1'],
  ...Object.fromEntries(upTo(3).map((i) => [`node-${i}`, [`A 127.0.0.${10 + i}`]])),
  gossip: upTo(3).map((i) => `SRV 0 1 7946 node-${i}`),
  '_gossip._tcp': upTo(3).map((i) => `SRV 0 1 7946 node-${i}`),
  ports: upTo(3).map((i) => `SRV 0 1 ${7945 + i} one`),
  ...Object.fromEntries(upTo(100).map((i) => [`target-${i}`, [`A 127.0.1.${i}`]])),
  many: upTo(100).map((i) => `SRV 0 1 7946 target-${i}`),
  dangling: ['SRV 0 1 7946 node-1', 'SRV 0 1 7946 absent'],
  weighted: ['SRV 10 1 7001 node-1', 'SRV 20 1 7002 node-2', 'SRV 10 9 7003 node-3'],
  none: ['TXT "no address"'],
};

export interface CoreDnsOptions {
  readonly namespace: Namespace;
  /** Default {@link STANDARD_RECORDS}. */
  readonly records?: Records;
}

/**
 * A real CoreDNS on port 53 of a network namespace. Records and answers change while it runs; a change has taken
 * effect when the call returns.
 */
export class CoreDns implements AsyncDisposable {
  readonly #process: ManagedProcess;
  readonly #namespace: Namespace;
  readonly #dir: string;
  readonly #answers = new Map<string, Answer>();
  #records: Records;
  #generation = 1;

  private constructor(process: ManagedProcess, options: CoreDnsOptions, dir: string) {
    this.#process = process;
    this.#namespace = options.namespace;
    this.#records = options.records ?? STANDARD_RECORDS;
    this.#dir = dir;
  }

  /** Installs CoreDNS if need be, and returns when it answers. */
  static async start(options: CoreDnsOptions): Promise<CoreDns> {
    const command = await coreDnsBinary();
    const dir = await mkdtemp(join(tmpdir(), 'ml-interop-coredns-'));
    await writeConfig({
      dir,
      generation: 1,
      records: options.records ?? STANDARD_RECORDS,
      answers: new Map(),
    });
    const process = await ManagedProcess.start({
      name: `CoreDNS in ${options.namespace.name}`,
      command,
      args: ['-conf', join(dir, 'Corefile')],
      cwd: dir,
      namespace: options.namespace,
    });
    const server = new CoreDns(process, options, dir);
    try {
      await server.#answersGeneration();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Replaces all records. */
  async setRecords(records: Records): Promise<void> {
    this.#records = records;
    await this.#reload();
  }

  /** Replaces or adds the records of some names. */
  async patchRecords(records: Records): Promise<void> {
    await this.setRecords({ ...this.#records, ...records });
  }

  /** Changes how a name, relative to the zone, and everything below it answers. */
  async setAnswer(name: string, answer: Answer): Promise<void> {
    this.#answers.set(name, answer);
    await this.#reload();
  }

  /** Queries logged so far, as `"<type> <name>"` in lower-case names with trailing dot, oldest first. */
  queries(): readonly string[] {
    return this.#process
      .lines('stdout')
      .map((line) => /"([A-Z]+) IN (\S+) (udp|tcp) /.exec(line))
      .filter((match) => match !== null && match[2] !== `${GENERATION_NAME}.`)
      .map((match) => `${match?.[1]} ${match?.[2]} ${match?.[3]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #reload(): Promise<void> {
    this.#generation += 1;
    await writeConfig({
      dir: this.#dir,
      generation: this.#generation,
      records: this.#records,
      answers: this.#answers,
    });
    this.#process.signal('SIGUSR1');
    await this.#answersGeneration();
  }

  /** Every configuration answers its own number: when the new one is seen, the old one is gone. */
  async #answersGeneration(): Promise<void> {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([this.#namespace.address]);
    await eventually(
      async () => {
        const [[text] = []] = await resolver.resolveTxt(GENERATION_NAME);
        if (text !== String(this.#generation)) {
          throw new HarnessError(`generation ${text} answers instead of ${this.#generation}`);
        }
      },
      {
        what: `${this.#process.name} answers`,
        withinMs: START_LIMIT_MS,
        everyMs: 20,
        detail: () => this.#process.tail(),
      },
    );
  }
}

interface ServerState {
  readonly dir: string;
  readonly generation: number;
  readonly records: Records;
  readonly answers: ReadonlyMap<string, Answer>;
}

async function writeConfig(state: ServerState): Promise<void> {
  const zoneFile = join(state.dir, `zone-${state.generation}`);
  await writeFile(zoneFile, zoneText(state));
  const blocks = [
    block(GENERATION_NAME, [
      'template IN TXT {',
      `  answer "{{ .Name }} 0 IN TXT ${state.generation}"`,
      '}',
    ]),
    // Everything else does not exist, as a resolver with the whole tree behind it would say.
    block('.', ['template ANY ANY {', '  rcode NXDOMAIN', '}']),
    block(ZONE, ['log', 'errors', `file ${zoneFile} {`, '  reload 0', '}']),
    ...[...state.answers].flatMap(([name, answer]) => answerBlock(`${name}.${ZONE}`, answer)),
  ];
  await writeFile(join(state.dir, 'Corefile'), blocks.join('\n'));
}

function zoneText(state: ServerState): string {
  const lines = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 0',
    `@ SOA ns.${ZONE}. admin.${ZONE}. ${state.generation} 60 60 60 0`,
    `@ NS ns.${ZONE}.`,
    'ns A 127.0.0.1',
    ...Object.entries(state.records).flatMap(([name, records]) =>
      records.map((record) => `${name} ${record}`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function answerBlock(name: string, answer: Answer): readonly string[] {
  switch (answer) {
    case 'zone':
      return [];
    case 'nxdomain':
    case 'servfail':
      return [block(name, ['log', 'template ANY ANY {', `  rcode ${answer.toUpperCase()}`, '}'])];
    case 'silent':
      return [block(name, ['log', 'acl {', '  drop', '}'])];
  }
}

function block(name: string, lines: readonly string[]): string {
  return [`${name}:53 {`, ...lines.map((line) => `  ${line}`), '}', ''].join('\n');
}
