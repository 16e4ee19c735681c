import { execPath } from 'node:process';

import { serverMain } from './build.ts';
import { type Flags, flagArguments, ManagedProcess } from './managed-process.ts';

/** How one of our nodes ended. */
export interface NodeRun {
  readonly code: number | undefined;
  /** Everything it printed. */
  readonly output: string;
}

const ANY_PORTS: Flags = {
  'memberlist.bind-addr': '127.0.0.1',
  'memberlist.bind-port': 0,
  'server.http-listen-address': '127.0.0.1',
  'server.http-listen-port': 0,
};

/**
 * Starts one of our nodes that must end by itself, on loopback and any free ports.
 *
 * @throws {TimeoutError} when it still runs after 45 s.
 */
export async function runNode(flags: Flags): Promise<NodeRun> {
  await using process = await ManagedProcess.start({
    name: 'node to fail',
    command: execPath,
    args: [await serverMain(), ...flagArguments({ ...ANY_PORTS, ...flags })],
  });
  const { code } = await process.endWithin(45_000);
  return { code, output: process.lines().join('\n') };
}
