import {
  bool,
  durationMs,
  int,
  option,
  type SectionOf,
  section,
  string,
  stringList,
} from '@ml/runtime/config';
import type { TlsSettings } from '../tls.ts';

/** Settings of the TCP-only transport, with its TLS. */
export interface TcpTransportConfig extends TlsSettings {
  /** IPs to listen on; only the first one counts for what is advertised. Default: none, which means 0.0.0.0. As -memberlist.bind-addr in dskit. */
  readonly bindAddrs: readonly string[];
  /** 0 to 65535; 0: any free port, the same for all addresses. Default 7946. As -memberlist.bind-port in dskit. */
  readonly bindPort: number;
  /** Limit for connecting, handshake included, to send a packet; 0: none. Default 2 s. As -memberlist.packet-dial-timeout in dskit. */
  readonly packetDialTimeoutMs: number;
  /** Limit for writing a packet; 0: none. Default 5 s. As -memberlist.packet-write-timeout in dskit. */
  readonly packetWriteTimeoutMs: number;
  /** Packets being sent at once; below 1 counts as 1. Default 3. As -memberlist.max-concurrent-writes in dskit. */
  readonly maxConcurrentWrites: number;
  /** How long a packet waits for a writer; 0: not at all. Default 250 ms. As -memberlist.acquire-writer-timeout in dskit. */
  readonly acquireWriterTimeoutMs: number;
  /** Log single packets and connections at debug level. Default false. As -memberlist.transport-debug in dskit. */
  readonly transportDebug: boolean;
  /** TLS on every connection. Default false. As -memberlist.tls-enabled in dskit. */
  readonly tlsEnabled: boolean;
}

const advanced = { category: 'advanced' } as const;

/**
 * The section of {@link TcpTransportConfig}: flags, YAML keys, types, defaults and categories as in dskit. T-2
 * The advertised address is not in it: in dskit it belongs to the KV store's section.
 */
export const tcpTransportConfig: SectionOf<TcpTransportConfig> = section({
  bindAddrs: option(stringList(), {
    flag: 'memberlist.bind-addr',
    yaml: 'bind_addr',
    default: [],
    help: 'IP address to listen on; may be given several times. All interfaces when empty.',
  }),
  bindPort: option(int({ min: 0, max: 65_535 }), {
    flag: 'memberlist.bind-port',
    default: 7946,
    help: 'Port to listen on; 0 picks a free one.',
  }),
  packetDialTimeoutMs: option(durationMs({ min: 0 }), {
    flag: 'memberlist.packet-dial-timeout',
    default: '2s',
    ...advanced,
    help: 'Limit for connecting to a member to send a packet, TLS handshake included; 0 for none.',
  }),
  packetWriteTimeoutMs: option(durationMs({ min: 0 }), {
    flag: 'memberlist.packet-write-timeout',
    default: '5s',
    ...advanced,
    help: 'Limit for writing a packet once connected; 0 for none.',
  }),
  maxConcurrentWrites: option(int(), {
    flag: 'memberlist.max-concurrent-writes',
    default: 3,
    ...advanced,
    help: 'Packets being sent at once. Raise it along with the number of gossip nodes.',
  }),
  acquireWriterTimeoutMs: option(durationMs({ min: 0 }), {
    flag: 'memberlist.acquire-writer-timeout',
    default: '250ms',
    ...advanced,
    help: 'How long a packet waits while all writers are busy before it is dropped; 0 drops it at once.',
  }),
  transportDebug: option(bool(), {
    flag: 'memberlist.transport-debug',
    yaml: false,
    default: false,
    ...advanced,
    help: 'Log what happens to single packets and connections, at debug level.',
  }),
  tlsEnabled: option(bool(), {
    flag: 'memberlist.tls-enabled',
    default: false,
    ...advanced,
    help: 'Use TLS on every connection between members.',
  }),
  tlsCertPath: option(string(), {
    flag: 'memberlist.tls-cert-path',
    default: '',
    ...advanced,
    help: 'PEM file with the certificate to show to other members; goes with the key.',
  }),
  tlsKeyPath: option(string(), {
    flag: 'memberlist.tls-key-path',
    default: '',
    ...advanced,
    help: 'PEM file with the key of the certificate.',
  }),
  tlsCaPath: option(string(), {
    flag: 'memberlist.tls-ca-path',
    default: '',
    ...advanced,
    help: 'PEM file with the authorities to trust; the roots of the system when empty.',
  }),
  tlsServerName: option(string(), {
    flag: 'memberlist.tls-server-name',
    default: '',
    ...advanced,
    help: 'Name that certificates of other members must carry; the dialled IP when empty.',
  }),
  tlsInsecureSkipVerify: option(bool(), {
    flag: 'memberlist.tls-insecure-skip-verify',
    default: false,
    ...advanced,
    help: 'Accept any certificate. For tests only.',
  }),
  tlsCipherSuites: option(string(), {
    flag: 'memberlist.tls-cipher-suites',
    default: '',
    ...advanced,
    help: 'Comma-separated cipher suites for TLS 1.2 and older; those of TLS 1.3 are always on.',
  }),
  tlsMinVersion: option(string(), {
    flag: 'memberlist.tls-min-version',
    default: '',
    ...advanced,
    help: 'Oldest TLS version to speak: VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13; 1.2 when empty.',
  }),
});
