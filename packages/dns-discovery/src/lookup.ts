import { assertNever } from '@ml/runtime';
import type { Resolver, SrvRecord } from './resolver.ts';
import { joinHostPort, type Spec } from './spec.ts';

/** Most records, and most addresses, that one look-up may yield; what exceeds it is dropped. D-24 */
export const MAX_RECORDS = 1000;

/** SRV targets that are looked up at the same time. */
const MAX_PARALLEL_LOOKUPS = 8;

/** What one entry resolved to. */
export interface LookupResult {
  /** `host:port` each, without duplicates, at most {@link MAX_RECORDS}. Empty: nothing was found. */
  readonly addresses: readonly string[];
  /**
   * The ports of SRV targets that come with more than one, ascending: which one is meant, the answer does not say.
   * Empty where the entry gives the port itself.
   */
  readonly ambiguousPorts: readonly number[];
  /** How many records and addresses were dropped because of {@link MAX_RECORDS}. */
  readonly dropped: number;
}

/** What a look-up needs. */
export interface LookupOptions {
  readonly resolver: Resolver;
  readonly signal?: AbortSignal;
}

/**
 * Looks up one parsed entry: `dns` asks for the name's addresses; `dnssrv` for its SRV records and each target's
 * addresses; `dnssrvnoa` for the SRV records only, keeping the targets' names. A target that is not found is
 * skipped, any other failure fails the whole entry. Rejects with what the resolver rejects with. D-2 D-3 D-4 D-10 D-21
 */
export async function lookup(spec: Spec, options: LookupOptions): Promise<LookupResult> {
  switch (spec.type) {
    case 'none':
      return { addresses: [spec.name], ambiguousPorts: [], dropped: 0 };
    case 'dns': {
      const hosts = await options.resolver.lookupAddresses(spec.name, wait(options));
      return result(
        spec,
        hosts.map((host) => ({ host, port: spec.port ?? 0 })),
      );
    }
    case 'dnssrv':
    case 'dnssrvnoa':
      return await lookupSrv(spec, options);
    default:
      return assertNever(spec.type);
  }
}

interface Found {
  readonly host: string;
  readonly port: number;
}

async function lookupSrv(spec: Spec, options: LookupOptions): Promise<LookupResult> {
  const all = await options.resolver.lookupSrv(spec.name, wait(options));
  // A target "." says that the service is decidedly not available there (RFC 2782).
  const usable = all.filter((record) => record.target !== '' && record.target !== '.');
  const records = usable.slice(0, MAX_RECORDS);
  const found =
    spec.type === 'dnssrvnoa'
      ? records.map((record) => ({ host: record.target, port: spec.port ?? record.port }))
      : await resolveTargets(spec, records, options);
  const { addresses, dropped } = result(spec, found);
  return {
    addresses,
    ambiguousPorts: spec.port === undefined ? ambiguousPorts(records) : [],
    dropped: dropped + usable.length - records.length,
  };
}

function ambiguousPorts(records: readonly SrvRecord[]): readonly number[] {
  const portsOf = new Map<string, Set<number>>();
  for (const { target, port } of records) {
    const ports = portsOf.get(target);
    if (ports === undefined) portsOf.set(target, new Set([port]));
    else ports.add(port);
  }
  const ambiguous = [...portsOf.values()].filter((ports) => ports.size > 1);
  return [...new Set(ambiguous.flatMap((ports) => [...ports]))].sort((a, b) => a - b);
}

async function resolveTargets(
  spec: Spec,
  records: readonly SrvRecord[],
  options: LookupOptions,
): Promise<readonly Found[]> {
  const targets = [...new Set(records.map((record) => record.target))];
  const hostsOf = new Map<string, readonly string[]>();
  let next = 0;
  const worker = async () => {
    for (;;) {
      const target = targets[next++];
      if (target === undefined) return;
      try {
        hostsOf.set(target, await options.resolver.lookupAddresses(target, wait(options)));
      } catch (error) {
        next = targets.length; // the entry has failed: the other workers start nothing more
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL_LOOKUPS }, worker));
  return records.flatMap((record) =>
    (hostsOf.get(record.target) ?? []).map((host) => ({ host, port: spec.port ?? record.port })),
  );
}

function result(spec: Spec, found: readonly Found[]): LookupResult {
  const scheme = spec.scheme === '' ? '' : `${spec.scheme}//`;
  const unique = [...new Set(found.map(({ host, port }) => scheme + joinHostPort(host, port)))];
  const addresses = unique.slice(0, MAX_RECORDS);
  return { addresses, ambiguousPorts: [], dropped: unique.length - addresses.length };
}

function wait(options: LookupOptions): { readonly signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
