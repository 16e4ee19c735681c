import { warmUpRing } from '@ml/ring';
import type { Logger } from '@ml/runtime';
import { nodeRuntime } from '@ml/runtime/node';
import type { ServerConfig } from './config.ts';
import { nodeLogger } from './log/node-logger.ts';
import { openServer, type Server } from './serve.ts';
import { type StopSignal, stopSignal } from './signals.ts';
import { dumpState } from './state-dump.ts';
import { buildInfo } from './version.ts';

/** Runs one node until it is told to stop, or fails. Resolves to the exit code. */
export async function runServer(config: ServerConfig): Promise<number> {
  const { logLevel: level, logFormat: format } = config.server;
  const log = nodeLogger({ level, format });
  await using server = await openServer({ config, log });
  using stop = stopSignal(log, () => void dumpState(server, log));
  const { version, revision } = buildInfo(process.env);
  const { node, url } = server;
  log.info({ version, revision, node: node.kv.name, http: url }, 'starting');
  return await runUntilStopped(server, stop, log);
}

/** Starts the node, waits for its end, and leaves: 0 when it was told to stop, 1 when it failed. */
async function runUntilStopped(server: Server, stop: StopSignal, log: Logger): Promise<number> {
  const { node } = server;
  try {
    await warmUpRing(nodeRuntime());
    await server.start({ signal: stop.signal });
    log.info({ members: node.kv.status().members.length, ring: node.ownRing.name }, 'started');
    const end = await node.kv.ended({ signal: stop.signal });
    if (end.type === 'failed') {
      log.error({ err: end.error }, 'the node gave up');
      return 1;
    }
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) {
      log.error({ err: error }, 'the node could not start');
      return 1;
    }
  }
  await node.leave();
  log.info({}, 'left the cluster');
  return 0;
}
