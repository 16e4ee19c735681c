import { hostname } from 'node:os';
import type { Resolver } from '@ml/dns-discovery';
import { nodeResolver } from '@ml/dns-discovery/node';
import type { AnyMergeable, Codec } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import { tokensFile } from '@ml/ring/node';
import type { Logger } from '@ml/runtime';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { createTcpTransport } from '@ml/transport/node';
import { checkServerConfig, effectiveExtras, type ServerConfig, serverConfig } from './config.ts';
import { type ClusterNode, startNode } from './node.ts';

export type { ClusterNode };

/** What most programs say about their node. Anything else goes into `config`. */
export interface CreateNodeOptions {
  /** Member and ring instance; unique in the cluster. Default: the host name. */
  readonly name?: string;
  /** Whom to join: `host:port`, or DNS with `dns+`, `dnssrv+`, `dnssrvnoa+`. Default: nobody. */
  readonly join?: readonly string[];
  /** Keeps clusters apart. Default: none, as -memberlist.cluster-label in dskit. */
  readonly clusterLabel?: string;
  /** IP to listen on for gossip. Default: all. */
  readonly bindAddress?: string;
  /** Port to listen on for gossip; 0: any free one. Default 7946. */
  readonly bindPort?: number;
  /** `host:port` under which the ring tells others to reach this program, for instance its HTTP server. */
  readonly instanceAddress?: { readonly host: string; readonly port: number };
  /** `observer` reads the ring without being in it. Default `member`. */
  readonly mode?: 'member' | 'observer';
  /** Every other option of `ml-server`; the ones above win. Default of the ring's `minReadyDurationMs` here: 0. */
  readonly config?: PartialConfig<ServerConfig>;
  /** Codecs of the program's own values. */
  readonly codecs?: readonly Codec<AnyMergeable>[];
  /** Default: no log. A pino instance fits. */
  readonly log?: Logger;
  /** Default: nothing is measured. */
  readonly registerer?: Registerer;
  /** Default: the system's. */
  readonly resolver?: Resolver;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
}

/**
 * A started node in this process, over TCP: a member of the cluster and of its ring. It keeps the process alive until
 * it is closed; `leave()` first, or the others take it for a crash.
 *
 * @throws {ConfigError} for options that do not fit @throws {BindError} when the port is taken
 * @throws {AdvertiseError} when there is no address to tell others @throws {JoinRingError}
 */
export async function createNode(options: CreateNodeOptions = {}): Promise<ClusterNode> {
  const config = configOf(options);
  checkServerConfig(config);
  const runtime = nodeRuntime(options.log === undefined ? {} : { log: options.log });
  const { kv, transport: transportConfig } = config.memberlist;
  const { tokensFilePath } = config.ring;
  const { registerer, codecs, instanceAddress, signal } = options;
  const transport = await createTcpTransport({
    config: transportConfig,
    runtime,
    metrics: registerer,
    advertiseAddr: kv.advertiseAddr,
    advertisePort: kv.advertisePort,
    dropBadDigest: effectiveExtras(config).dropBadDigest,
  });
  return await startNode({
    config,
    runtime,
    transport,
    resolver: options.resolver ?? nodeResolver({ random: runtime.random.fork('dns') }),
    hostname: hostname(),
    ...(registerer && { registerer }),
    ...(codecs && { codecs }),
    ...(tokensFilePath !== '' && { tokensStore: tokensFile(tokensFilePath) }),
    ...(instanceAddress && { instanceAddress }),
    ...(signal && { signal }),
  });
}

function configOf(options: CreateNodeOptions): ServerConfig {
  const { name, join, clusterLabel, bindAddress, bindPort, mode, config = {} } = options;
  return resolveConfig(serverConfig, {
    ...config,
    memberlist: {
      kv: {
        ...config.memberlist?.kv,
        ...(name !== undefined && { nodeName: name }),
        ...(join && { joinMembers: join }),
        ...(clusterLabel !== undefined && { clusterLabel }),
      },
      transport: {
        ...config.memberlist?.transport,
        ...(bindAddress !== undefined && { bindAddrs: [bindAddress] }),
        ...(bindPort !== undefined && { bindPort }),
      },
    },
    ring: {
      // -ring.min-ready-duration paces the rollouts of operators; a program wants to go on.
      minReadyDurationMs: 0,
      ...config.ring,
      ...(name !== undefined && { instanceId: name }),
      ...(mode && { mode }),
    },
  });
}
