import { isDynamic, parseSpec, refuseDnsPrefix } from '@ml/dns-discovery';
import { type MemberlistKvConfig, memberlistKvConfig } from '@ml/kv';
import { type RingBlockConfig, ringConfig } from '@ml/ring';
import {
  bool,
  ConfigError,
  type ConfigFault,
  durationMs,
  int,
  mount,
  oneOf,
  option,
  type SectionOf,
  section,
  string,
} from '@ml/runtime/config';
import { type TcpTransportConfig, tcpTransportConfig } from '@ml/transport';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './log/log-options.ts';

/** Where pages and metrics are served, and how is logged. */
export interface HttpConfig {
  readonly httpListenAddress: string;
  readonly httpListenPort: number;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

const httpConfig: SectionOf<HttpConfig> = section({
  httpListenAddress: option(string(), {
    flag: 'server.http-listen-address',
    default: '',
    help: 'Address on which pages, metrics and APIs are served. Empty: all.',
  }),
  httpListenPort: option(int({ min: 0, max: 65535 }), {
    flag: 'server.http-listen-port',
    default: 4040,
    help: 'Port on which pages, metrics and APIs are served; 0 takes any free one.',
  }),
  logFormat: option(oneOf(...LOG_FORMATS), {
    flag: 'log.format',
    default: 'logfmt',
    help: 'How log lines are written: logfmt or json.',
  }),
  logLevel: option(oneOf(...LOG_LEVELS), {
    flag: 'log.level',
    default: 'info',
    help: 'Lowest level that is logged: debug, info, warn or error.',
  }),
});

/** What this program adds to the reference, each with a switch back. */
export interface ExtrasConfig {
  readonly metrics: { readonly namespace: string };
  readonly cluster: { readonly rejoinIntervalMs: number };
  readonly dns: { readonly keepLastGoodMs: number };
  readonly limits: { readonly dropBadDigest: boolean };
  readonly compat: { readonly strict: boolean };
}

const extras: SectionOf<ExtrasConfig> = section({
  metrics: mount(
    section({
      namespace: option(string(), {
        flag: 'metrics.namespace',
        default: 'pyroscope',
        category: 'advanced',
        help: 'Put before the names of ring, lifecycler, DNS and request metrics, with an underscore. Metrics that start with memberlist_ never get it.',
      }),
    }),
    { yaml: 'metrics' },
  ),
  cluster: mount(
    section({
      rejoinIntervalMs: option(durationMs({ min: 0 }), {
        flag: 'cluster.rejoin-interval',
        default: '1m',
        category: 'advanced',
        help: 'How often to join those that the join entries lead to but that are no members, so that a cut-off node finds back. 0 is never.',
      }),
    }),
    { yaml: 'cluster' },
  ),
  dns: mount(
    section({
      keepLastGoodMs: option(durationMs({ min: 0 }), {
        flag: 'dns.keep-last-good',
        default: '10m',
        category: 'advanced',
        help: 'How long a join entry whose name is not found any more keeps the addresses it last had. 0 drops them at once.',
      }),
    }),
    { yaml: 'dns' },
  ),
  limits: mount(
    section({
      dropBadDigest: option(bool(), {
        flag: 'limits.drop-bad-digest',
        default: true,
        category: 'advanced',
        help: 'Drop packets whose digest does not match. Switched off they are delivered after being counted, as the reference does.',
      }),
    }),
    { yaml: 'limits' },
  ),
  compat: mount(
    section({
      strict: option(bool(), {
        flag: 'compat.strict',
        default: false,
        category: 'advanced',
        help: 'Behave as the reference where this program differs by default: no rejoining of its own, DNS answers dropped at once, packets with a bad digest delivered.',
      }),
    }),
    { yaml: 'compat' },
  ),
});

/** The whole `memberlist` block: store, gossip, and the transport's options among them. */
export interface MemberlistBlock {
  readonly kv: MemberlistKvConfig;
  readonly transport: TcpTransportConfig;
}

/** Everything a node can be told. */
export interface ServerConfig extends ExtrasConfig {
  readonly server: HttpConfig;
  readonly memberlist: MemberlistBlock;
  readonly ring: RingBlockConfig;
}

const memberlistBlock: SectionOf<MemberlistBlock> = section({
  kv: mount(memberlistKvConfig),
  transport: mount(tcpTransportConfig),
});

/** Every option of a node: the flags and YAML paths of Pyroscope v1.18.0 for what it has too, and our own. S-1 S-2 */
export const serverConfig: SectionOf<ServerConfig> = section({
  server: mount(httpConfig, { yaml: 'server' }),
  memberlist: mount(memberlistBlock, { yaml: 'memberlist' }),
  ring: mount(ringConfig, { yaml: 'ring' }),
  ...extras,
});

/**
 * Checks what no single option shows: join entries are well written, and DNS discovery prefixes stand nowhere else.
 * @throws {ConfigError} with every fault.
 */
export function checkServerConfig(config: ServerConfig): void {
  const faults: ConfigFault[] = [];
  const check = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      faults.push({
        source: 'check',
        message: error instanceof Error ? error.message : String(error),
      });
    }
  };
  for (const entry of joinEntries(config)) {
    if (isDynamic(entry)) check(() => parseSpec(entry));
  }
  for (const [flag, value] of plainAddresses(config)) check(() => refuseDnsPrefix(value, flag));
  if (faults.length > 0) throw new ConfigError(faults);
}

/** The join entries one by one, whether they were given separately or with commas. */
export function joinEntries(config: ServerConfig): readonly string[] {
  return config.memberlist.kv.joinMembers
    .flatMap((entries) => entries.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Addresses that are dialled or listened on as they are written. */
function plainAddresses(config: ServerConfig): readonly (readonly [string, string])[] {
  const { kv, transport } = config.memberlist;
  return [
    ...transport.bindAddrs.map((address) => ['-memberlist.bind-addr', address] as const),
    ['-memberlist.advertise-addr', kv.advertiseAddr],
    ['-server.http-listen-address', config.server.httpListenAddress],
    ['-ring.instance-addr', config.ring.instanceAddr],
  ];
}

/** What the extras come to once `-compat.strict` has had its say. */
export interface EffectiveExtras {
  /** 0: no rejoining of absent members. */
  readonly clusterRejoinIntervalMs: number;
  readonly keepLastGoodMs: number;
  readonly dropBadDigest: boolean;
}

/** Strict means the reference's behaviour in all three. S-20 to S-22 */
export function effectiveExtras(config: ServerConfig): EffectiveExtras {
  if (config.compat.strict) {
    return { clusterRejoinIntervalMs: 0, keepLastGoodMs: 0, dropBadDigest: false };
  }
  return {
    clusterRejoinIntervalMs: config.cluster.rejoinIntervalMs,
    keepLastGoodMs: config.dns.keepLastGoodMs,
    dropBadDigest: config.limits.dropBadDigest,
  };
}
