/** Levels of log lines that become events. */
export type EventLogLevel = 'info' | 'warn' | 'error';

/**
 * What happened in a simulated cluster, at a virtual time. `node` is who saw it, `member` whom it is about (by the
 * name that gossip knows).
 */
export type SimEvent =
  /** A node began to suspect a member. `from`: who accused it. */
  | {
      readonly type: 'suspect' | 'confirmed';
      readonly atMs: number;
      readonly node: string;
      readonly member: string;
      readonly from: string;
    }
  /** A suspicion ended well, or a member left on purpose. */
  | {
      readonly type: 'refuted' | 'left';
      readonly atMs: number;
      readonly node: string;
      readonly member: string;
    }
  /** A node holds a member for dead. `suspectMs`: how long it had suspected it; `undefined`: it was told by another. */
  | {
      readonly type: 'dead';
      readonly atMs: number;
      readonly node: string;
      readonly member: string;
      readonly suspectMs: number | undefined;
    }
  /** The life of a node, as the simulation brought it about. */
  | {
      readonly type: 'node';
      readonly atMs: number;
      readonly node: string;
      readonly what:
        | 'starting'
        | 'started'
        | 'failed'
        | 'leaving'
        | 'stopped'
        | 'killed'
        | 'paused'
        | 'resumed';
      readonly reason?: string;
    }
  /** Something was done to the cluster: a fault, its end, a note of the scenario. */
  | { readonly type: 'note'; readonly atMs: number; readonly text: string }
  /** A node logged at level info or above. */
  | {
      readonly type: 'log';
      readonly atMs: number;
      readonly node: string;
      readonly level: EventLogLevel;
      readonly message: string;
      readonly fields: object;
    };

/** Is told of every event, at once and synchronously. It may read anything, but change nothing in the cluster. */
export type SimObserver = (event: SimEvent) => void;
