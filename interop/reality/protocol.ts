import type { ServerConfig } from '@ml/server/config';

/** Starts a node in the process, where none may run. Answers when it is up. */
export interface StartRequest {
  readonly name: string;
  readonly bindAddress: string;
  readonly join: readonly string[];
  readonly config: ServerConfig;
}

/** Says when to write: numbers rise with time. */
export interface WritesRequest {
  readonly writes: readonly PlannedWrite[];
}

/** One CAS that is to be done. */
export interface PlannedWrite {
  readonly sequence: number;
  /** Of the machine's monotonic clock, in milliseconds. */
  readonly atMs: number;
}

/** What the node sees. */
export interface NodeView {
  readonly members: number;
  /** Active instances in its ring. */
  readonly instances: number;
}

/** What has happened since the node was started. Times are of the machine's monotonic clock, in milliseconds. */
export interface Recording {
  readonly writes: readonly {
    readonly sequence: number;
    readonly calledAtMs: number;
    readonly returnedAtMs: number;
  }[];
  readonly seen: readonly {
    readonly writer: string;
    readonly sequence: number;
    readonly atMs: number;
  }[];
}
