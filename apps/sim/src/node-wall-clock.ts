/** Real milliseconds, for showing how fast a simulation is. Nothing simulated may look at it. */
export function wallMs(): number {
  return performance.now();
}

/** Today in UTC, as `2026-01-31`; the day that `SOURCE_DATE_EPOCH` (Unix seconds) names where it is set. */
export function utcDate(env: NodeJS.ProcessEnv): string {
  const { SOURCE_DATE_EPOCH: epoch } = env;
  const fixed = epoch !== undefined && /^\d{1,11}$/.test(epoch);
  return (fixed ? new Date(Number(epoch) * 1000) : new Date()).toISOString().slice(0, 10);
}
