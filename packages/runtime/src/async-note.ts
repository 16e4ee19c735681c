let notes = 0;

/**
 * Tells a simulation that a promise was settled or an async function was started, so that its continuations
 * run before virtual time moves on. {@link Deferred}, Latest, Mailbox and sleep call it themselves; a `plain`
 * callback that touches promises by other means has to call it too. Costs one addition; harmless elsewhere.
 */
export function noteAsync(): void {
  notes++;
}

/** How often {@link noteAsync} was called in this process. Only differences have a meaning. */
export function asyncNotes(): number {
  return notes;
}
