const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const MAX_NS = 2n ** 63n - 1n;
/** Every duration text matches; whether it fits is for {@link parseDuration} to say. */
export const DURATION_PATTERN: RegExp =
  /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+|0)$/;
const PART = /(\d*)\.?(\d*)([a-z\u00b5\u03bc]+)/g;

/**
 * Reads Go duration text ("1h2m3.5s", "250ms", "-2m", "0") as milliseconds; undefined if it is none or does not fit
 * into 64 bits of nanoseconds. Units: ns, us (or µs), ms, s, m, h. As time.ParseDuration.
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return undefined;
  const [, sign, parts = ''] = match;
  if (parts === '0') return 0;
  let totalNs = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of parts.matchAll(PART)) {
    const unitNs = UNIT_NS[unit];
    if (unitNs === undefined || whole.length > 20) return undefined;
    totalNs += BigInt(whole || '0') * unitNs + fractionNs(fraction, Number(unitNs));
  }
  if (totalNs > MAX_NS) return undefined;
  const ms = Number(totalNs / 1_000_000n) + Number(totalNs % 1_000_000n) / 1e6;
  return sign === '-' && ms !== 0 ? -ms : ms;
}

/**
 * Go multiplies as many digits as fit into 63 bits in floating point and cuts off, and so do we: with 19 digits,
 * 0.3333333333333333333h is 20m0s there and here.
 */
function fractionNs(fraction: string, unitNs: number): bigint {
  const most = fraction.slice(0, 19);
  const digits = BigInt(most || '0') > 2n ** 63n ? most.slice(0, 18) : most;
  return BigInt(Math.trunc(Number(digits) * (unitNs / 10 ** digits.length)));
}

/** Milliseconds as Go prints them: "1m30s", "5m0s", "250ms", "1.5s", "0s". As time.Duration.String. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const abs = Math.abs(ms);
  const ns = BigInt(Math.trunc(abs)) * 1_000_000n + BigInt(Math.round((abs % 1) * 1e6));
  if (ns === 0n) return '0s';
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 1_000n)}\u00b5s`;
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 1_000_000n)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = decimal(ns % 60_000_000_000n, 1_000_000_000n);
  const hours = minutes / 60n;
  if (hours > 0n) return `${sign}${hours}h${minutes % 60n}m${seconds}s`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** As {@link formatDuration} without the parts that are zero at the end: "5m", "1h", "1m30s". Used by reference pages. */
export function formatShortDuration(ms: number): string {
  return formatDuration(ms).replace(/m0s$/, 'm').replace(/h0m$/, 'h');
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(unit + (value % unit))
    .slice(1)
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
