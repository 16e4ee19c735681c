import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Random } from '@ml/runtime';

import { serverMain } from '../harness/build.ts';
import { Cleanup } from '../harness/cleanup.ts';
import { ControlClient } from '../harness/control-client.ts';
import { HarnessError } from '../harness/errors.ts';
import { eventually } from '../harness/eventually.ts';
import { FaultSites } from '../harness/faultnet.ts';
import { ManagedProcess } from '../harness/managed-process.ts';
import { BUILD_DIR, INTEROP_DIR, REPOSITORY_DIR } from '../harness/paths.ts';
import { monotonicMs } from './monotonic.ts';
import type { NodeView, PlannedWrite, Recording, StartRequest, WritesRequest } from './protocol.ts';
import type { RealScenario } from './scenario.ts';

const run = promisify(execFile);
const GOSSIP_PORT = 7946;
/** Members that everybody joins through. */
const SEEDS = 3;
const START_LIMIT_MS = 60_000;
/** From full views to the first write: what the start has queued is gossiped by then. */
const SETTLE_MS = 2000;
/** From the last write to the look at who has seen it. */
const DRAIN_MS = 2000;

/** What one node noted in one round. */
export interface NodeRecording extends Recording {
  readonly name: string;
  /** The writes it was told to do. */
  readonly planned: readonly PlannedWrite[];
}

interface Site {
  readonly name: string;
  readonly address: string;
  readonly control: ControlClient;
}

/** One process of ours in each of some network namespaces, joined by a network with the scenario's latency. */
export class RealCluster implements AsyncDisposable {
  readonly #scenario: RealScenario;
  readonly #sites: readonly Site[];
  readonly #cleanup: Cleanup;

  private constructor(scenario: RealScenario, sites: readonly Site[], cleanup: Cleanup) {
    this.#scenario = scenario;
    this.#sites = sites;
    this.#cleanup = cleanup;
  }

  /** Starts the processes, without nodes in them yet. @throws {HarnessError} */
  static async start(scenario: RealScenario): Promise<RealCluster> {
    const program = await nodeProgram();
    const { nodes, latencyMs, jitterMs } = scenario;
    const cleanup = new Cleanup();
    try {
      const { net, sites: places } = cleanup.use(await FaultSites.create(nodes, 1));
      await net.impair({ latencyMs, jitterMs });
      const sites: Site[] = [];
      for (const [index, { namespace, address }] of places.entries()) {
        const name = `node-${index}`;
        const args = [program, namespace.address];
        const options = { name, command: execPath, args, namespace };
        const process = cleanup.use(await ManagedProcess.start(options));
        const { controlUrl } = await process.firstJson<{ readonly controlUrl: string }>();
        sites.push({ name, address, control: new ControlClient(controlUrl) });
      }
      return new RealCluster(scenario, sites, cleanup);
    } catch (error) {
      await cleanup[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A fresh cluster in the same processes, and writes by random nodes. @throws {HarnessError} */
  async round(random: Random): Promise<readonly NodeRecording[]> {
    await this.#startNodes();
    await delay(SETTLE_MS);
    const { writes, everyMs } = this.#scenario;
    const beginMs = monotonicMs();
    const planned = this.#sites.map((): PlannedWrite[] => []);
    for (let sequence = 1; sequence <= writes; sequence++) {
      const atMs = beginMs + sequence * everyMs;
      planned[random.int(planned.length)]?.push({ sequence, atMs });
    }
    await this.#all(({ control }, index) => {
      const request: WritesRequest = { writes: planned[index] ?? [] };
      return control.post('/writes', request);
    });
    await delay(beginMs + writes * everyMs + DRAIN_MS - monotonicMs());
    return await this.#all(async ({ name, control }, index) => {
      const recording = await control.get<Recording>('/recording');
      return { name, planned: planned[index] ?? [], ...recording };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  async #startNodes(): Promise<void> {
    const { nodes, config } = this.#scenario;
    const seeds = this.#sites.slice(0, SEEDS).map(({ address }) => `${address}:${GOSSIP_PORT}`);
    // Nobody of the cluster before is left when the first of the new one starts.
    await this.#all(({ control }) => control.post('/stop'));
    await this.#all(({ name, address, control }) => {
      const join = seeds.filter((seed) => seed !== `${address}:${GOSSIP_PORT}`);
      const request: StartRequest = { name, bindAddress: address, join, config };
      return control.post('/start', request);
    });
    await eventually(
      async () => {
        for (const { name, control } of this.#sites) {
          const { members, instances } = await control.get<NodeView>('/view');
          if (members === nodes && instances === nodes) continue;
          const counts = `${members} members and ${instances} active instances`;
          throw new HarnessError(`${name} sees ${counts} of ${nodes}`);
        }
      },
      { what: 'all nodes see each other', withinMs: START_LIMIT_MS, everyMs: 200 },
    );
  }

  async #all<T>(ask: (site: Site, index: number) => Promise<T>): Promise<readonly T[]> {
    return await Promise.all(this.#sites.map(ask));
  }
}

/** Builds the program that the processes run. @throws {HarnessError} when a compiler fails. */
export async function nodeProgram(): Promise<string> {
  await serverMain();
  const compiler = join(REPOSITORY_DIR, 'node_modules/typescript/bin/tsc');
  await run(execPath, [compiler, '-p', join(INTEROP_DIR, 'reality')]);
  return join(BUILD_DIR, 'reality/node-program.js');
}
