export type {
  ClusterNode,
  NodeOptions,
  NodeRing,
  NodeStatus,
  PreparedNode,
  ServiceStatus,
  StartOptions,
} from './node-types.ts';
export type { Readiness, Stage } from './readiness.ts';
export { prepareNode, startNode } from './server-node.ts';
