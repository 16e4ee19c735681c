export { DnsLookupError, DnsQueryError, DnsSpecError } from './errors.ts';
export { type LookupOptions, type LookupResult, lookup, MAX_RECORDS } from './lookup.ts';
export {
  DEFAULT_KEEP_LAST_GOOD_MS,
  DnsProvider,
  type DnsProviderOptions,
  type Resolution,
} from './provider.ts';
export type { Resolver, SrvRecord } from './resolver.ts';
export { isDynamic, type LookupType, parseSpec, refuseDnsPrefix, type Spec } from './spec.ts';
