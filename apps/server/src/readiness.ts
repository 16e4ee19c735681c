/** How far a node has come. Each stage is the first that is not done yet. */
export type Stage =
  /** Listener, gossip engine and store are being created. */
  | 'start'
  /** No address is known to join: nothing was found, or every look-up failed. */
  | 'dns'
  /** Addresses are known, no member has answered yet. */
  | 'join'
  /** The node is a member of its ring, but not ACTIVE for long enough, or others are not healthy. */
  | 'ring'
  /** The node is leaving. */
  | 'stopping'
  /** Starting failed; the process is about to end. */
  | 'failed';

/** Whether a node may get work, and if not, what it waits for. */
export type Readiness =
  | { readonly type: 'ready' }
  | { readonly type: 'waiting'; readonly stage: Stage; readonly reason: string };

/** The answer of `/ready` in one line. */
export function readinessText(readiness: Readiness): string {
  return readiness.type === 'ready'
    ? 'ready\n'
    : `not ready, stage ${readiness.stage}: ${readiness.reason}\n`;
}
