/** One SRV answer. `target` carries no trailing dot. */
export interface SrvRecord {
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/**
 * The seam to a name service: the system's, a fake, or a zone in the simulator. "Not found" (NXDOMAIN or no
 * record of the kind) is an empty list; every other failure rejects.
 */
export interface Resolver {
  /** A and AAAA of a host name, as the system resolver sees them (hosts file, search list, CNAMEs). IP literals return themselves. */
  lookupAddresses(
    host: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly string[]>;
  /** SRV records of a name, by priority, then in weighted random order. */
  lookupSrv(
    name: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly SrvRecord[]>;
}
