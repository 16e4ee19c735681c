/** One cluster to be simulated and what is done to it; each runs in a process of its own. */
export interface SimTask {
  readonly name: string;
  readonly nodes: number;
  /** `membership`: gossip alone, joined through three seeds. `full`: store and ring too, found through DNS. */
  readonly mode: 'membership' | 'full';
  /** How many nodes the DNS lists: in mode `full` a join contacts all that are found. Default: every one. */
  readonly listed?: number;
  /** `tcp`: packets of up to 10 MiB, each on a connection, as ml-server sends them. Default: datagrams of 1,400 bytes for members alone. */
  readonly packets?: 'tcp';
  /** Settings of the members that differ from ml-server's defaults. */
  readonly memberlist?: Readonly<Record<string, number | boolean>>;
  /** Virtual seconds after the cluster has converged. */
  readonly steadyS: number;
  /** Virtual seconds for which 30 % of the nodes are then cut off; 0: none. The run goes on until all views are equal. */
  readonly partitionS: number;
  /** Whether to take a processor profile, which costs some time itself. */
  readonly profile: boolean;
  /** Most memory for JavaScript objects, in MiB. */
  readonly heapMiB: number;
}

/** What one phase of a run cost. */
export interface PhaseCost {
  readonly phase: string;
  readonly virtualS: number;
  readonly wallS: number;
  /** Processor time of the whole process, the garbage collector included. */
  readonly cpuS: number;
  readonly events: number;
  /** Bytes that all nodes sent, in packets and on streams. */
  readonly networkBytes: number;
  /** Objects and buffers at the end of the phase after a full collection, less those before the first phase. */
  readonly heldBytes: number;
  /** Largest resident set so far. */
  readonly peakBytes: number;
  /** Whether all views were equal at the end. */
  readonly converged: boolean;
  /** What the nodes see that see fewest and most, at the end. */
  readonly fewestMembers: number;
  readonly mostMembers: number;
  readonly hotSpots: readonly HotSpot[];
}

/** Where processor time went. */
export interface HotSpot {
  /** Name of the function and its file. */
  readonly where: string;
  /** Share of the time that the phase took, without what the function called. */
  readonly share: number;
}

/** A run as it is kept. */
export interface SimRun {
  readonly task: SimTask;
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly load: string;
  readonly phases: readonly PhaseCost[];
}
