import { relative } from 'node:path';
import { stdout } from 'node:process';
import { StaticResolver } from '@ml/dns-discovery/testing';
import { Closer, type Logger } from '@ml/runtime';
import { resolveConfig } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { formatAddress } from '@ml/transport';
import type { DevConfig } from './command.ts';
import { type ServerConfig, serverConfig } from './config.ts';
import { freePortFrom } from './http/listen.ts';
import { nodeLogger } from './log/node-logger.ts';
import { openServer, type Server } from './serve.ts';
import { stopSignal } from './signals.ts';

/** The name under which the embedded zone lists the nodes. */
const DOMAIN = 'dev.internal';
const SERVICE = `members.${DOMAIN}`;
const LABEL = 'ml-dev';
const LOOPBACK = '127.0.0.1';

/** Ports that are tried behind the wanted one. */
const PORT_TRIES = 100;

/**
 * A cluster of real nodes of this build in one process, each with its own listener and pages on loopback, that find
 * each other through an embedded DNS zone. Runs until it is told to stop. Resolves to the exit code.
 */
export async function runDev(dev: DevConfig): Promise<number> {
  const log = nodeLogger({ level: 'warn', format: 'logfmt' });
  using stop = stopSignal(log, () => {});
  await using closer = new Closer('the local cluster');
  const servers = await openServers(dev, closer, log);
  try {
    await Promise.all(servers.map((server) => server.start({ signal: stop.signal })));
    const nextPort = dev.httpPort === 0 ? 0 : (servers.at(-1)?.httpPort ?? 0) + 1;
    const addedPort = await freePortFrom(LOOPBACK, nextPort, PORT_TRIES);
    stdout.write(overview(servers, addedPort));
    await aborted(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  // One after the other, so that the others still hear of each.
  for (const { node } of servers) await node.leave();
  return 0;
}

/** Opens every listener first: the zone must list all nodes before one of them looks for the others. */
async function openServers(
  dev: DevConfig,
  closer: Closer,
  log: Logger,
): Promise<readonly Server[]> {
  const resolver = new StaticResolver({ random: nodeRuntime().random.fork('dns') });
  const servers: Server[] = [];
  let port = dev.httpPort;
  for (let index = 1; index <= dev.nodes; index++) {
    const name = `dev-${index}`;
    const config = devNodeConfig(name, port);
    const options = { config, log: log.child({ node: name }), resolver, morePorts: PORT_TRIES };
    const server = closer.use(await openServer(options));
    servers.push(server);
    if (port > 0) port = server.httpPort + 1;
  }
  const records = servers.map(({ node }) => ({
    target: `${node.kv.name}.${DOMAIN}`,
    port: node.gossipAddress.port,
  }));
  for (const { target } of records) resolver.setAddresses(target, [LOOPBACK]);
  resolver.setSrv(SERVICE, records);
  return servers;
}

function devNodeConfig(name: string, httpPort: number): ServerConfig {
  return resolveConfig(serverConfig, {
    server: { httpListenAddress: LOOPBACK, httpListenPort: httpPort },
    memberlist: {
      kv: {
        nodeName: name,
        randomizeNodeName: false,
        clusterLabel: LABEL,
        joinMembers: [`dnssrv+${SERVICE}`],
        messageHistoryBufferBytes: 1_000_000,
      },
      transport: { bindAddrs: [LOOPBACK], bindPort: 0 },
    },
    ring: { instanceId: name, minReadyDurationMs: 0, heartbeatPeriodMs: 2000 },
  });
}

/** What is printed once the cluster stands: the page, a line a node, and a command that adds one. */
function overview(servers: readonly Server[], addedPort: number): string {
  const width = Math.max(...servers.map(({ node }) => node.kv.name.length));
  const lines = servers.map(({ node, url }) => {
    const name = node.kv.name.padEnd(width);
    return `  ${name}  pages ${url}/  gossip ${formatAddress(node.gossipAddress)}`;
  });
  return [
    `${servers[0]?.url}/ring`,
    '',
    `${servers.length} nodes run in this process, cluster label ${LABEL}:`,
    ...lines,
    '',
    'Add one from another terminal:',
    `  ${addCommand(servers, addedPort)}`,
    '',
    'Ctrl-C ends the cluster.',
    '',
  ].join('\n');
}

function addCommand(servers: readonly Server[], httpPort: number): string {
  const [first] = servers;
  const name = `dev-${servers.length + 1}`;
  const program = relative(process.cwd(), process.argv[1] ?? 'ml-server');
  return [
    `node ${program}`,
    `-memberlist.join=${first === undefined ? '' : formatAddress(first.node.gossipAddress)}`,
    `-memberlist.cluster-label=${LABEL}`,
    `-memberlist.nodename=${name}`,
    `-ring.instance-id=${name}`,
    `-memberlist.bind-addr=${LOOPBACK}`,
    '-memberlist.bind-port=0',
    `-server.http-listen-address=${LOOPBACK}`,
    `-server.http-listen-port=${httpPort}`,
  ].join(' ');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
