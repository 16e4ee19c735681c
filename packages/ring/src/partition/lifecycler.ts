import type { KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import { onAbort, type Runtime, sleep } from '@ml/runtime';
import { MAX_SPREAD_NUMBER } from '../core/spread-tokens.ts';
import { JoinRingError, LifecyclerClosedError, RingOptionsError } from '../errors.ts';
import { Heartbeats } from '../heartbeats.ts';
import { PartitionRingDesc } from './desc.ts';
import { requestState } from './editor.ts';
import { UnknownPartitionError } from './errors.ts';
import { type PartitionLifecyclerMetrics, registerPartitionLifecyclerMetrics } from './metrics.ts';
import type { PartitionState } from './partition.ts';

/** Behaviour of a partition lifecycler. As `ring.PartitionInstanceLifecyclerConfig` in dskit. */
export interface PartitionLifecyclerConfig {
  /** The partition to own: 0 to 9999. */
  readonly partitionId: number;
  /** The owning instance's id in the instance ring. */
  readonly instanceId: string;
  /** Whether the instance may own other partitions too; the owner is then `<instance>/<partition>`. Default false. */
  readonly multiPartitionOwnership?: boolean;
  /** Owners that a pending partition waits for before it becomes active. */
  readonly waitOwnersCountOnPending: number;
  /** How long these owners must have been there, in milliseconds. */
  readonly waitOwnersDurationOnPendingMs: number;
  /** From what age inactive partitions of others without owners are deleted, in milliseconds; 0: never. */
  readonly deleteInactivePartitionAfterMs: number;
  /** Time between looks at the ring, in milliseconds. Default 5000. */
  readonly pollingIntervalMs?: number;
  /** Whether to create the partition if it is missing at start, or wait until somebody else does. Default true. */
  readonly createPartitionOnStartup?: boolean;
}

export interface PartitionLifecyclerOptions {
  /** Names the ring in logs and metrics. */
  readonly name: string;
  /** The whole key in the KV store. */
  readonly key: string;
  readonly config: PartitionLifecyclerConfig;
  readonly client: KvClient<PartitionRingDesc>;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** Gives up the registration. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps one partition and one owner of it: creates the partition, makes it active once enough owners are there, and
 * clears away inactive partitions that nobody owns any more. There are no heartbeats. As `PartitionInstanceLifecycler`
 * in dskit. R-76
 */
export interface PartitionLifecycler extends AsyncDisposable {
  readonly partitionId: number;
  /** The owner's id in the partition ring. */
  readonly ownerId: string;
  /** Whether {@link close} takes the owner out of the ring; may be changed while it runs. At first false. */
  removeOwnerOnShutdown: boolean;
  /**
   * The state of the partition, read from the store.
   * @throws {UnknownPartitionError}
   */
  partitionState(): Promise<PartitionState>;
  /**
   * Puts the partition in another state.
   * @throws {UnknownPartitionError | PartitionTransitionError | PartitionLockedError | LifecyclerClosedError}
   */
  changePartitionState(to: PartitionState): Promise<void>;
  /** Stops looking after the partition, which stays in the ring. */
  close(): Promise<void>;
}

/**
 * Registers and resolves when the owner is in the ring.
 * @throws {RingOptionsError | JoinRingError}
 */
export async function createPartitionLifecycler(
  options: PartitionLifecyclerOptions,
): Promise<PartitionLifecycler> {
  checkOptions(options);
  const lifecycler = new OwnerLifecycler(options);
  await lifecycler.start();
  return lifecycler;
}

function checkOptions({ name, key, config }: PartitionLifecyclerOptions): void {
  const fault = (problem: string): RingOptionsError =>
    new RingOptionsError(`partition ring ${JSON.stringify(name)}: ${problem}`);
  const { partitionId, pollingIntervalMs = DEFAULT_POLLING_INTERVAL_MS } = config;
  if (key === '') throw fault('the key is empty');
  if (config.instanceId === '') throw fault('the instance id is empty');
  if (!(Number.isInteger(partitionId) && partitionId >= 0 && partitionId <= MAX_SPREAD_NUMBER)) {
    throw fault(`partition ${partitionId} is not a whole number from 0 to ${MAX_SPREAD_NUMBER}`);
  }
  if (!(pollingIntervalMs > 0)) {
    throw fault(`a polling interval of ${pollingIntervalMs} ms; it must be above 0`);
  }
}

const DEFAULT_POLLING_INTERVAL_MS = 5000;

class OwnerLifecycler implements PartitionLifecycler {
  readonly ownerId: string;
  removeOwnerOnShutdown: boolean = false;
  readonly #options: PartitionLifecyclerOptions;
  readonly #metrics: PartitionLifecyclerMetrics;
  readonly #stop = new AbortController();
  #polls: Heartbeats | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: PartitionLifecyclerOptions) {
    const { instanceId, partitionId, multiPartitionOwnership = false } = options.config;
    this.#options = options;
    this.ownerId = multiPartitionOwnership ? `${instanceId}/${partitionId}` : instanceId;
    this.#metrics = registerPartitionLifecyclerMetrics(options.metrics, options.name);
  }

  get partitionId(): number {
    return this.#options.config.partitionId;
  }

  get #pollingIntervalMs(): number {
    return this.#options.config.pollingIntervalMs ?? DEFAULT_POLLING_INTERVAL_MS;
  }

  async start(): Promise<void> {
    const { runtime, name, signal } = this.#options;
    using _link = onAbort(signal, () => this.#stop.abort(signal?.reason));
    try {
      while (!(await this.#register())) {
        await sleep(runtime, this.#pollingIntervalMs, { signal: this.#stop.signal });
      }
    } catch (error) {
      throw new JoinRingError(name, { cause: error });
    }
    await this.#reconcile();
    this.#polls = new Heartbeats(runtime, this.#pollingIntervalMs, () => this.#reconcile());
  }

  async partitionState(): Promise<PartitionState> {
    const ring = await this.#options.client.get(this.#options.key);
    const partition = ring?.partition(this.partitionId);
    if (partition === undefined) throw new UnknownPartitionError(this.partitionId);
    return partition.state;
  }

  async changePartitionState(to: PartitionState): Promise<void> {
    if (this.#closing !== undefined) throw new LifecyclerClosedError(this.#options.name);
    const { partitionId } = this;
    await this.#update((ring, nowUnixMs) => requestState(ring, { partitionId, to, nowUnixMs }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether the owner could be registered; not while the partition is missing and others are to create it. */
  async #register(): Promise<boolean> {
    const { createPartitionOnStartup = true } = this.#options.config;
    let registered = false;
    await this.#update((ring, nowUnixMs) => {
      const isThere = ring.partition(this.partitionId) !== undefined;
      registered = isThere || createPartitionOnStartup;
      if (!registered) return ring;
      return ring
        .addPartition(this.partitionId, 'Pending', nowUnixMs)
        .setOwner(this.ownerId, this.partitionId, nowUnixMs);
    });
    return registered;
  }

  async #reconcile(): Promise<void> {
    await this.#attempt('owned-partition', (ring, nowUnixMs) =>
      this.#reconcileOwn(ring, nowUnixMs),
    );
    if (this.#options.config.deleteInactivePartitionAfterMs > 0) {
      await this.#attempt('other-partitions', (ring, nowUnixMs) =>
        this.#reconcileOthers(ring, nowUnixMs),
      );
    }
  }

  async #attempt(
    type: string,
    change: (ring: PartitionRingDesc, nowUnixMs: number) => PartitionRingDesc,
  ): Promise<void> {
    const { runtime, name } = this.#options;
    this.#metrics.reconciles.labels({ type }).inc();
    try {
      await this.#update(change);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#metrics.failures.labels({ type }).inc();
      runtime.log.warn({ ring: name, type, err: error }, 'looking after partitions failed');
    }
  }

  #reconcileOwn(ring: PartitionRingDesc, nowUnixMs: number): PartitionRingDesc {
    const { waitOwnersCountOnPending, waitOwnersDurationOnPendingMs } = this.#options.config;
    const partition = ring.partition(this.partitionId);
    if (partition === undefined) throw new UnknownPartitionError(this.partitionId);
    if (partition.state !== 'Pending' || partition.locked) return ring;
    const since = nowUnixMs - waitOwnersDurationOnPendingMs;
    return ring.ownersCount(this.partitionId, since) >= waitOwnersCountOnPending
      ? ring.setPartitionState(this.partitionId, 'Active', nowUnixMs)
      : ring;
  }

  #reconcileOthers(ring: PartitionRingDesc, nowUnixMs: number): PartitionRingDesc {
    const since = nowUnixMs - this.#options.config.deleteInactivePartitionAfterMs;
    let kept = ring;
    for (const { id, state, stateUnixS, locked } of ring.partitions) {
      const isOver = state === 'Inactive' && stateUnixS * 1000 < since && !locked;
      if (isOver && id !== this.partitionId && ring.ownersCount(id) === 0) {
        kept = kept.removePartition(id);
      }
    }
    return kept;
  }

  /** One CAS; a change that returns the ring itself writes nothing. */
  async #update(
    change: (ring: PartitionRingDesc, nowUnixMs: number) => PartitionRingDesc,
  ): Promise<void> {
    const { client, key, runtime } = this.#options;
    await client.cas(
      key,
      (current) => {
        const ring = current ?? PartitionRingDesc.empty;
        const changed = change(ring, runtime.clock.unixMs());
        return changed === ring ? undefined : changed;
      },
      { signal: this.#stop.signal },
    );
  }

  async #close(): Promise<void> {
    const { runtime, name } = this.#options;
    if (this.removeOwnerOnShutdown) {
      try {
        await this.#update((ring) => ring.removeOwner(this.ownerId));
      } catch (error) {
        runtime.log.error(
          { ring: name, owner: this.ownerId, err: error },
          'the owner could not be taken out of the partition ring',
        );
      }
    }
    this.#stop.abort();
    await this.#polls?.stop();
  }
}
