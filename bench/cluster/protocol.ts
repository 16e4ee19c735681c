/** What a program with nodes in it can be told; one line of JSON each. */
export type NodesRequest =
  | {
      /** Starts `count` nodes, numbered from `first`, and waits until each sees `total` members. */
      readonly do: 'start';
      readonly first: number;
      readonly count: number;
      readonly total: number;
      /** `host:port` to join; empty for the program that is there first. */
      readonly join: string;
    }
  /** Puts one instance per node into the ring, and waits until each node has `total`. */
  | { readonly do: 'register'; readonly tokens: number; readonly total: number }
  /** A watcher of the ring on each node, or none. */
  | { readonly do: 'watch'; readonly on: boolean }
  /** One heartbeat of the instance of one node; answers when all watchers have seen it, or after the limit. */
  | { readonly do: 'cas'; readonly node: number; readonly timeoutMs: number }
  /** One heartbeat of each node per period from now on; 0 stops them. */
  | { readonly do: 'heartbeat'; readonly everyMs: number }
  | { readonly do: 'usage' };

/** What it answers, one line of JSON each; what is zero or empty may be left out. */
export interface NodesAnswer {
  readonly error?: string;
  /** Address of the first node. */
  readonly seed?: string;
  /** When each watcher saw the heartbeat, in milliseconds from the call; those that did not are left out. */
  readonly visibleMs?: readonly number[];
  /** CPU time of the process so far. */
  readonly cpuMs?: number;
  /** Heartbeats, and other changes, that its nodes have stored so far. */
  readonly beats?: number;
  /** Packets its nodes have sent so far. */
  readonly packets?: number;
  /** Packets its nodes had no free writer for so far. */
  readonly dropped?: number;
}
