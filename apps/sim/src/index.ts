export {
  SimCluster,
  type SimClusterOptions,
  type SimNetworkModel,
  type SimNodeOptions,
  type SimView,
  type StartAllOptions,
} from './cluster.ts';
export { DNS_FAULTS, type DnsFault, type DnsRecord } from './dns.ts';
export { SimUsageError } from './errors.ts';
export type { EventLogLevel, SimEvent, SimObserver } from './events.ts';
export { type Latency, Links, latencyOf } from './links.ts';
export type { NodeMode, NodeState, SimNode, SimNodeSpec } from './sim-node.ts';
export { TRACE_KINDS, Trace } from './trace.ts';
export type { NodeTraffic } from './traced-transport.ts';
