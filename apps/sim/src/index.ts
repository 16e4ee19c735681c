export {
  type Assertion,
  AssertionSyntaxError,
  type Findings,
  parseAssertion,
  type Verdict,
} from './assertion.ts';
export type { CloseUp } from './close-up.ts';
export {
  SimCluster,
  type SimClusterOptions,
  type SimNetworkModel,
  type SimNodeOptions,
  type SimView,
  type StartAllOptions,
} from './cluster.ts';
export { DNS_FAULTS, type DnsFault, type DnsRecord } from './dns.ts';
export { ScenarioError, type ScenarioFault, SimUsageError } from './errors.ts';
export type { EventLogLevel, SimEvent, SimObserver } from './events.ts';
export { Histogram, type HistogramSummary } from './histogram.ts';
export { type Latency, Links, latencyOf } from './links.ts';
export {
  type KeptEvent,
  Observer,
  type ObserverOptions,
  type Sample,
  type Totals,
} from './observer.ts';
export { ASSERTION_SUBJECTS } from './quantities.ts';
export {
  type NodeResult,
  type Progress,
  type RunResult,
  type RunScenarioOptions,
  runScenario,
} from './run-scenario.ts';
export { readScenario, type Scenario, type ScenarioOverrides } from './scenario.ts';
export { type ScenarioText, scenarioJsonSchema, type TimelineEntry } from './scenario-schema.ts';
export type { NodeMode, NodeState, SimNode, SimNodeSpec } from './sim-node.ts';
export { TRACE_KINDS, Trace } from './trace.ts';
export type { NodeTraffic } from './traced-transport.ts';
export { WORKLOAD_CODECS, Workload, type WorkloadOptions } from './workload.ts';
