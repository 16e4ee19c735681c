export { type NodeRuntimeOptions, nodeRuntime } from './node-runtime.ts';
