import { hostname } from 'node:os';
import type { Resolver } from '@ml/dns-discovery';
import { nodeResolver } from '@ml/dns-discovery/node';
import { exposition, promRegisterer } from '@ml/metrics/prom';
import { tokensFile } from '@ml/ring/node';
import { assertNever, Closer, type Logger } from '@ml/runtime';
import { renderDefaultYaml, renderYaml } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { formatAddress } from '@ml/transport';
import { createTcpTransport, nodeInterfaces } from '@ml/transport/node';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { checkServerConfig, effectiveExtras, type ServerConfig, serverConfig } from './config.ts';
import type { ConfigView } from './http/context.ts';
import { listen } from './http/listen.ts';
import { httpServer } from './http/server.ts';
import { instanceAddress } from './instance-address.ts';
import { type ClusterNode, type PreparedNode, prepareNode } from './node.ts';
import { buildInfo } from './version.ts';

/** What a {@link Server} is made of. */
export interface ServerOptions {
  readonly config: ServerConfig;
  readonly log: Logger;
  /** Default: the system's. */
  readonly resolver?: Resolver;
  /** Ports behind the configured one that are tried when it is in use. Default 0. */
  readonly morePorts?: number;
}

/** A node on real sockets with its pages: listening, but not started. Disposing it closes everything without leaving. */
export interface Server extends AsyncDisposable {
  readonly node: PreparedNode;
  /** Where the pages are, for a browser on this machine. */
  readonly url: string;
  readonly httpPort: number;
  /** As {@link PreparedNode.start}, with the address of the pages announced in the ring. */
  start(options: { readonly signal: AbortSignal }): Promise<ClusterNode>;
}

/**
 * Opens the gossip listener and the pages. They answer from here on, so that `/ready` can tell what a start waits
 * for. Nothing is left open when it rejects.
 * @throws {ConfigError} @throws {BindError} @throws {AdvertiseError} @throws {TlsConfigError} @throws {ListenError}
 */
export async function openServer(options: ServerOptions): Promise<Server> {
  checkServerConfig(options.config);
  const closer = new Closer('the server');
  try {
    return await open(options, closer);
  } catch (error) {
    await closer.close();
    throw error;
  }
}

async function open(options: ServerOptions, closer: Closer): Promise<Server> {
  const { config, log } = options;
  const runtime = nodeRuntime({ log });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registerer = promRegisterer(registry);
  const { kv, transport: transportConfig } = config.memberlist;
  const { tokensFilePath: tokensPath } = config.ring;
  const transport = await createTcpTransport({
    config: transportConfig,
    runtime,
    metrics: registerer,
    advertiseAddr: kv.advertiseAddr,
    advertisePort: kv.advertisePort,
    dropBadDigest: effectiveExtras(config).dropBadDigest,
  });
  const resolver = options.resolver ?? nodeResolver({ random: runtime.random.fork('dns') });
  const node = closer.use(
    prepareNode({
      config,
      runtime,
      transport,
      resolver,
      registerer,
      hostname: hostname(),
      ...(tokensPath !== '' && { tokensStore: tokensFile(tokensPath) }),
    }),
  );
  const app = httpServer({
    clock: runtime.clock,
    log,
    node,
    metrics: async () => await exposition(registry),
    config: (view) => configText(config, view),
    build: buildInfo(process.env),
  });
  closer.defer(async () => await app.close());
  const { httpListenAddress: host, httpListenPort: port } = config.server;
  const httpPort = await listen(app, { host, port, moreTries: options.morePorts ?? 0 });
  const shownHost = host === '' || host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host;
  const url = `http://${formatAddress({ host: shownHost, port: httpPort })}`;
  return {
    node,
    url,
    httpPort,
    start: async ({ signal }) => {
      const { gossipAddress } = node;
      const interfaces = nodeInterfaces();
      const address = instanceAddress({ config, interfaces, httpPort, gossipAddress });
      return await node.start({ instanceAddress: address, signal });
    },
    [Symbol.asyncDispose]: async () => await closer.close(),
  };
}

function configText(config: ServerConfig, view: ConfigView): string {
  switch (view) {
    case 'all':
      return renderYaml(serverConfig, config);
    case 'diff':
      return renderYaml(serverConfig, config, { show: 'changed' });
    case 'defaults':
      return renderDefaultYaml(serverConfig);
    default:
      return assertNever(view);
  }
}
