import type { Registerer } from '@ml/metrics';
import type { Runtime } from '@ml/runtime';
import type { NetworkInterface } from './interfaces.ts';
import { nodeInterfaces } from './node-interfaces.ts';
import { nodeMd5 } from './node-md5.ts';
import { nodeSockets } from './node-tcp.ts';
import { NodeTls } from './node-tls.ts';
import type { TcpTransportConfig } from './tcp/config.ts';
import {
  DEFAULT_TCP_TRANSPORT_LIMITS,
  openTcpTransport,
  type TcpTransportLimits,
} from './tcp/tcp-transport.ts';
import type { Transport } from './transport.ts';

/** What {@link createTcpTransport} takes. */
export interface CreateTcpTransportOptions {
  readonly config: TcpTransportConfig;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** IP to tell other members. Default: found from the bind address and the interfaces. As -memberlist.advertise-addr in dskit. */
  readonly advertiseAddr?: string | undefined;
  /** Port to tell other members; counts only with `advertiseAddr`. Default 7946. As -memberlist.advertise-port in dskit. */
  readonly advertisePort?: number | undefined;
  /** Drop packets with a wrong digest. Default true; false delivers them all the same, as dskit does. T-22 */
  readonly dropBadDigest?: boolean | undefined;
  /** With TLS: turn away dialers without a certificate from our authorities. Default false, as dskit. T-43 */
  readonly requireClientCertificate?: boolean | undefined;
  /** Default: {@link DEFAULT_TCP_TRANSPORT_LIMITS}. */
  readonly limits?: Partial<TcpTransportLimits> | undefined;
  /** Default: those of this machine. */
  readonly interfaces?: readonly NetworkInterface[] | undefined;
}

const DEFAULT_ADVERTISE_PORT = 7946;

/**
 * dskit's TCP-only transport on real sockets. Resolves when all addresses are bound; nothing is delivered before
 * `listen`.
 *
 * @throws {TlsConfigError} when the tls_* settings or their files are unusable.
 * @throws {BindError} when an address is no IP or cannot be bound; none stays bound.
 * @throws {AdvertiseError} when there is no address to tell other members.
 */
export async function createTcpTransport(options: CreateTcpTransportOptions): Promise<Transport> {
  const { config, runtime, metrics } = options;
  const tls = config.tlsEnabled
    ? new NodeTls({
        settings: config,
        runtime,
        metrics,
        requireClientCertificate: options.requireClientCertificate ?? false,
      })
    : undefined;
  return await openTcpTransport({
    config,
    runtime,
    metrics,
    sockets: nodeSockets(tls),
    advertiseAddr: options.advertiseAddr ?? '',
    advertisePort: options.advertisePort ?? DEFAULT_ADVERTISE_PORT,
    interfaces: options.interfaces ?? nodeInterfaces(),
    md5: nodeMd5,
    dropBadDigest: options.dropBadDigest ?? true,
    limits: { ...DEFAULT_TCP_TRANSPORT_LIMITS, ...options.limits },
  });
}
