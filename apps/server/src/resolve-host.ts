import { type DnsProvider, DnsQueryError } from '@ml/dns-discovery';

/** Looks a plain host name up for the gossip layer, which takes no addresses for a failure. */
export function hostResolver(
  dns: DnsProvider,
): (host: string, options: { readonly signal?: AbortSignal }) => Promise<readonly string[]> {
  return async (host, options) => {
    const addresses = await dns.lookupHost(host, options);
    if (addresses.length > 0) return addresses;
    throw new DnsQueryError(host, `the name ${JSON.stringify(host)} has no address`);
  };
}
