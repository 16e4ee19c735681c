import { execPath } from 'node:process';

import { serverMain } from './build.ts';
import { ControlClient } from './control-client.ts';
import { HarnessError } from './errors.ts';
import { ManagedProcess } from './managed-process.ts';
import { REPOSITORY_DIR } from './paths.ts';
import type { RingPage } from './ts-node.ts';

const START_LIMIT_MS = 60_000;
const NODE_LINE = /^ {2}(\S+) +pages (http:\S+)\/ {2}gossip (\S+)$/;

/** One node of a local cluster, as its line tells. */
export interface DevNode {
  readonly name: string;
  /** Of its pages, without trailing slash. */
  readonly url: string;
  readonly gossipAddress: string;
}

/** `ml-server dev`, run from the repository as `npm start` does. Disposal kills it. */
export class DevCluster implements AsyncDisposable {
  readonly process: ManagedProcess;
  /** Everything it printed once it stood, line by line. */
  readonly lines: readonly string[];
  readonly nodes: readonly DevNode[];
  /** The command that adds a node, split into words. */
  readonly addCommand: readonly string[];

  private constructor(process: ManagedProcess) {
    this.process = process;
    this.lines = process.lines('stdout');
    this.nodes = this.lines.flatMap((line) => {
      const [, name, url, gossipAddress] = NODE_LINE.exec(line) ?? [];
      if (name === undefined || url === undefined || gossipAddress === undefined) return [];
      return [{ name, url, gossipAddress }];
    });
    const command = this.lines.find((line) => line.startsWith('  node ')) ?? '';
    this.addCommand = command.trim().split(' ');
  }

  /** Returns when it has printed how to use it. `httpPort` 0 takes any free ports. */
  static async start(options: { readonly httpPort?: number } = {}): Promise<DevCluster> {
    const process = await ManagedProcess.start({
      name: 'ml-server dev',
      command: execPath,
      args: [await serverMain(), 'dev', `-http-port=${options.httpPort ?? 0}`],
      cwd: REPOSITORY_DIR,
    });
    try {
      await process.line(/^Ctrl-C/, START_LIMIT_MS);
      return new DevCluster(process);
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  /** Runs the printed command, from the folder in which it was printed. */
  async addNode(): Promise<ManagedProcess> {
    const [program, ...args] = this.addCommand;
    if (program !== 'node')
      throw new HarnessError(`no command was printed:\n${this.lines.join('\n')}`);
    return await ManagedProcess.start({
      name: 'added node',
      command: execPath,
      args,
      cwd: REPOSITORY_DIR,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}

/** State by instance, as the ring page at `url` shows it. */
export async function ringStates(url: string): Promise<ReadonlyMap<string, string>> {
  const { shards } = await new ControlClient(url).get<RingPage>('/ring');
  return new Map((shards ?? []).map(({ id, state }) => [id, state]));
}
