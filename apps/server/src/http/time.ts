/** The instant that stands for "not set", as Go's zero time in JSON. */
export const UNSET_TIME = '0001-01-01T00:00:00Z';

/** RFC 3339 in UTC; milliseconds only when there are any. */
export function rfc3339(unixMs: number): string {
  return new Date(unixMs).toISOString().replace('.000Z', 'Z');
}

/** `15:04:05.999 UTC`. */
export function clockTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(11, 23)} UTC`;
}

/** `just now`, `12s ago`, `3m4s ago`, `2h0m ago`, `in 5s`. */
export function relative(unixMs: number, nowUnixMs: number): string {
  const seconds = Math.round((nowUnixMs - unixMs) / 1000);
  if (seconds === 0) return 'just now';
  const text = span(Math.abs(seconds));
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function span(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return `${hours}h${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

/** A number of bytes for people: `1.5 KiB`. */
export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}
