export { type NodeResolverOptions, nodeResolver } from './node-resolver.ts';
