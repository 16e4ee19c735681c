import { promises as dns } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Random } from '@ml/runtime';
import { DnsQueryError } from './errors.ts';
import {
  candidateNames,
  DEFAULT_RESOLV_CONF,
  parseResolvConf,
  type ResolvConf,
} from './resolv-conf.ts';
import type { Resolver, SrvRecord } from './resolver.ts';
import { orderSrv } from './srv-order.ts';

/** Options of {@link nodeResolver}. */
export interface NodeResolverOptions {
  /** Draws the order among SRV records of one priority. */
  readonly random: Random;
  /**
   * Name servers (`ip`, `ip:port`, `[v6]:port`) that answer every query, instead of the system's; the hosts file is
   * then not read. Default: addresses come from the system resolver, SRV records from the servers of resolv.conf.
   */
  readonly servers?: readonly string[];
  /** Where search list, ndots and servers are read from, at each look-up. Default `/etc/resolv.conf`. */
  readonly resolvConfPath?: string;
  /** Wait for one answer of a server, in milliseconds. Default: resolv.conf's `timeout`, else 5000. */
  readonly timeoutMs?: number;
  /** Rounds over the servers. Default: resolv.conf's `attempts`, else 2. */
  readonly attempts?: number;
}

/** A {@link Resolver} over `node:dns`, with the search and not-found rules of the system resolver. D-8 D-12 D-13 D-29 */
export function nodeResolver(options: NodeResolverOptions): Resolver {
  const conf = () => readConf(options);
  return {
    async lookupAddresses(host, { signal }) {
      signal?.throwIfAborted();
      const literal = host.replace(/^\[(.*)\]$/, '$1');
      if (isIP(literal) !== 0) return [literal];
      if (options.servers === undefined) return await systemLookup(host, signal);
      const answers = await queryEach(host, await conf(), signal, addressQuery);
      return [...new Set(answers)];
    },
    async lookupSrv(name, { signal }) {
      signal?.throwIfAborted();
      const records = await queryEach(name, await conf(), signal, srvQuery);
      return orderSrv(records, options.random);
    },
  };
}

type Query<T> = (resolver: dns.Resolver, name: string) => Promise<readonly T[]>;

const srvQuery: Query<SrvRecord> = async (resolver, name) =>
  (await foundOrEmpty(resolver.resolveSrv(name))).map((record) => ({
    target: record.name.replace(/\.$/, ''),
    port: record.port,
    priority: record.priority,
    weight: record.weight,
  }));

/** IPv4 first. When one family fails and the other answers, the name counts as failed: half an answer hides members. */
const addressQuery: Query<string> = async (resolver, name) =>
  (
    await Promise.all([
      foundOrEmpty(resolver.resolve4(name)),
      foundOrEmpty(resolver.resolve6(name)),
    ])
  ).flat();

/** The first candidate with records wins; a failure of one candidate counts only when no other has any. D-28 */
async function queryEach<T>(
  name: string,
  conf: ResolvConf,
  signal: AbortSignal | undefined,
  query: Query<T>,
): Promise<readonly T[]> {
  let failure: unknown;
  for (const candidate of candidateNames(name, conf)) {
    const resolver = new dns.Resolver({ timeout: conf.timeoutMs, tries: conf.attempts });
    resolver.setServers([...conf.servers]);
    try {
      const records = await abortable(query(resolver, candidate), signal, () => resolver.cancel());
      if (records.length > 0) return records;
    } catch (error) {
      signal?.throwIfAborted();
      failure ??= error;
    }
  }
  if (failure !== undefined) throw queryError(name, failure);
  return [];
}

async function systemLookup(
  host: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  try {
    const lookup = dns.lookup(host, { all: true, verbatim: true });
    const found = await abortable(foundOrEmpty(lookup), signal, () => {});
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    signal?.throwIfAborted();
    throw queryError(host, error);
  }
}

async function foundOrEmpty<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

function queryError(name: string, cause: unknown): DnsQueryError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DnsQueryError(name, `no proper answer for ${JSON.stringify(name)}: ${reason}`, {
    cause,
  });
}

/** Settles with `answer`, or rejects with the signal's reason when that comes first. */
async function abortable<T>(
  answer: Promise<T>,
  signal: AbortSignal | undefined,
  cancel: () => void,
): Promise<T> {
  if (signal === undefined) return await answer;
  return await new Promise<T>((resolve, reject) => {
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    answer
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
      .catch(reject);
  });
}

async function readConf(options: NodeResolverOptions): Promise<ResolvConf> {
  const conf = await readResolvConf(options.resolvConfPath ?? '/etc/resolv.conf');
  return {
    ...conf,
    servers: options.servers ?? conf.servers,
    timeoutMs: options.timeoutMs ?? conf.timeoutMs,
    attempts: options.attempts ?? conf.attempts,
  };
}

/** No readable file means defaults, as for the system resolver. */
async function readResolvConf(path: string): Promise<ResolvConf> {
  try {
    return parseResolvConf(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return DEFAULT_RESOLV_CONF;
    throw error;
  }
}
