/** The two clocks of a node. Everything that needs time takes one of these; nothing reads the machine's own. */
export interface Clock {
  /** Monotonic milliseconds, for durations and deadlines. Its zero has no meaning. */
  now(): number;
  /** Wall clock in Unix milliseconds, for heartbeats and anything that goes on the wire. */
  unixMs(): number;
}
