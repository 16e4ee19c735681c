/** The machine's monotonic clock in milliseconds: the same one in all its processes and network namespaces. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
