import { type ConfigOf, durationMs, option, section } from '@ml/runtime/config';
import { z } from 'zod';

const advanced = { category: 'advanced' } as const;

/**
 * Settings of the TCP-only transport: flags, YAML keys, types, defaults and categories as in dskit. T-2
 * The advertised address is not among them: in dskit it belongs to the KV store's section.
 */
export const tcpTransportConfig = section({
  bindAddr: option(z.array(z.string()), {
    flag: 'memberlist.bind-addr',
    default: [],
    help: 'IP address to listen on; may be given several times. All interfaces when empty.',
  }),
  bindPort: option(z.int().min(0).max(65535), {
    flag: 'memberlist.bind-port',
    default: 7946,
    help: 'Port to listen on; 0 picks a free one.',
  }),
  packetDialTimeoutMs: option(durationMs(), {
    flag: 'memberlist.packet-dial-timeout',
    yaml: 'packet_dial_timeout',
    default: '2s',
    ...advanced,
    help: 'Limit for connecting to a member to send a packet, TLS handshake included; 0 for none.',
  }),
  packetWriteTimeoutMs: option(durationMs(), {
    flag: 'memberlist.packet-write-timeout',
    yaml: 'packet_write_timeout',
    default: '5s',
    ...advanced,
    help: 'Limit for writing a packet once connected; 0 for none.',
  }),
  maxConcurrentWrites: option(z.int(), {
    flag: 'memberlist.max-concurrent-writes',
    default: 3,
    ...advanced,
    help: 'Packets being sent at once. Raise it along with the number of gossip nodes.',
  }),
  acquireWriterTimeoutMs: option(durationMs(), {
    flag: 'memberlist.acquire-writer-timeout',
    yaml: 'acquire_writer_timeout',
    default: '250ms',
    ...advanced,
    help: 'How long a packet waits while all writers are busy before it is dropped; 0 drops it at once.',
  }),
  transportDebug: option(z.boolean(), {
    flag: 'memberlist.transport-debug',
    yaml: false,
    default: false,
    ...advanced,
    help: 'Log what happens to single packets and connections, at debug level.',
  }),
  tlsEnabled: option(z.boolean(), {
    flag: 'memberlist.tls-enabled',
    default: false,
    ...advanced,
    help: 'Use TLS on every connection between members.',
  }),
  tlsCertPath: option(z.string(), {
    flag: 'memberlist.tls-cert-path',
    default: '',
    ...advanced,
    help: 'PEM file with the certificate to show to other members; goes with the key.',
  }),
  tlsKeyPath: option(z.string(), {
    flag: 'memberlist.tls-key-path',
    default: '',
    ...advanced,
    help: 'PEM file with the key of the certificate.',
  }),
  tlsCaPath: option(z.string(), {
    flag: 'memberlist.tls-ca-path',
    default: '',
    ...advanced,
    help: 'PEM file with the authorities to trust; the roots of the system when empty.',
  }),
  tlsServerName: option(z.string(), {
    flag: 'memberlist.tls-server-name',
    default: '',
    ...advanced,
    help: 'Name that certificates of other members must carry; the dialled IP when empty.',
  }),
  tlsInsecureSkipVerify: option(z.boolean(), {
    flag: 'memberlist.tls-insecure-skip-verify',
    default: false,
    ...advanced,
    help: 'Accept any certificate. For tests only.',
  }),
  tlsCipherSuites: option(z.string(), {
    flag: 'memberlist.tls-cipher-suites',
    default: '',
    ...advanced,
    help: 'Comma-separated cipher suites for TLS 1.2 and older; those of TLS 1.3 are always on.',
  }),
  tlsMinVersion: option(z.string(), {
    flag: 'memberlist.tls-min-version',
    default: '',
    ...advanced,
    help: 'Oldest TLS version to speak: VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13; 1.2 when empty.',
  }),
});

/** The settings as the transport takes them; durations in milliseconds. */
export type TcpTransportConfig = ConfigOf<typeof tcpTransportConfig>;
