import { goBinary } from './build.ts';
import { HarnessError } from './errors.ts';
import { ManagedProcess } from './managed-process.ts';
import type { Namespace } from './netns.ts';

export interface UdpProbe {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly reordered: number;
  /** Numbers of the datagrams that did not come back, from 0. */
  readonly missing: readonly number[];
  readonly rttMs: readonly number[];
}

export interface TcpProbe {
  readonly connectMs: number;
  readonly totalMs: number;
  readonly bytes: number;
}

/** Answers TCP and UDP on `address` (`ip:port`) inside a namespace. */
export async function startEcho(namespace: Namespace, address: string): Promise<ManagedProcess> {
  const process = await ManagedProcess.start({
    name: `echo ${address}`,
    command: await goBinary('netprobe'),
    args: ['echo', address],
    namespace,
  });
  await process.firstJson();
  return process;
}

/** Sends numbered datagrams to an echo server. @throws {HarnessError} when it cannot. */
export async function probeUdp(
  namespace: Namespace,
  address: string,
  options: { readonly count: number; readonly intervalMs: number; readonly waitMs?: number },
): Promise<UdpProbe> {
  const { count, intervalMs, waitMs = 1000 } = options;
  const flags = [`-count=${count}`, `-interval=${intervalMs}ms`, `-wait=${waitMs}ms`];
  return await probe(namespace, ['udp', address, ...flags]);
}

/** Sends bytes to an echo server and reads them back. @throws {HarnessError} when not all come back. */
export async function probeTcp(
  namespace: Namespace,
  address: string,
  options: { readonly bytes: number; readonly waitMs?: number },
): Promise<TcpProbe> {
  const { bytes, waitMs = 5000 } = options;
  return await probe(namespace, ['tcp', address, `-bytes=${bytes}`, `-wait=${waitMs}ms`]);
}

async function probe<T>(namespace: Namespace, args: readonly string[]): Promise<T> {
  await using process = await ManagedProcess.start({
    name: `netprobe ${args.join(' ')}`,
    command: await goBinary('netprobe'),
    args,
    namespace,
  });
  const result = await process.firstJson<T>();
  const { code } = await process.ended;
  if (code !== 0) throw new HarnessError(`${process.name} failed: ${JSON.stringify(result)}`);
  return result;
}
