export type { Resolver, SrvRecord } from './resolver.ts';
