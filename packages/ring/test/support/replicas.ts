import { onAbort, sleep } from '@ml/runtime';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { InstanceDesc, type ReplicationSet } from '../../src/index.ts';
import type { AskReplica } from '../../src/quorum.ts';

/** How one replica behaves when it is asked. */
export interface Behaviour {
  /** When it answers, in milliseconds; never if absent. */
  readonly afterMs?: number;
  /** What it fails with instead of an answer. */
  readonly error?: Error;
  /** Whether it answers although it was told to stop. */
  readonly stubborn?: boolean;
}

/** Replicas with scripted behaviour in virtual time, and a record of what happened to them. */
export class Replicas {
  readonly runtime: VirtualRuntime;
  /** Ids in the order in which they were asked, with the time. */
  readonly asked: { readonly id: string; readonly atMs: number }[] = [];
  /** Why calls were cancelled, by id. */
  readonly cancelled = new Map<string, unknown>();
  /** Ids whose answers were cleaned up. */
  readonly cleaned: string[] = [];
  readonly releases = new Map<string, () => void>();
  readonly #script: Readonly<Record<string, Behaviour>>;

  constructor(script: Readonly<Record<string, Behaviour>>, seed = 1) {
    this.runtime = new VirtualRuntime({ seed });
    this.#script = script;
  }

  get ids(): readonly string[] {
    return this.asked.map(({ id }) => id);
  }

  readonly ask: AskReplica<string> = async ({ id }, { signal, release }) => {
    const { afterMs, error, stubborn = false } = this.#script[id] ?? {};
    this.asked.push({ id, atMs: this.runtime.now });
    this.releases.set(id, release);
    onAbort(signal, () => this.cancelled.set(id, signal.reason));
    await sleep(this.runtime, afterMs ?? 1e9, stubborn ? {} : { signal });
    if (error !== undefined) throw error;
    return `from ${id}`;
  };

  readonly cleanup = (answer: string, { id }: InstanceDesc): void => {
    if (answer !== `from ${id}`) throw new TypeError(`${answer} was cleaned up for ${id}`);
    this.cleaned.push(id);
  };

  /** Runs a promise to its end in virtual time. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    promise.then(end, end);
    await this.runtime.runUntil(() => over, { limitMs: 60_000 });
    return await promise;
  }

  /** The error that a promise rejects with. */
  async failureOf(promise: Promise<unknown>): Promise<unknown> {
    try {
      await this.settle(promise);
    } catch (error) {
      return error;
    }
    throw new TypeError('it did not fail');
  }
}

/** A set of instances named `<zone><number>` or, without zones, by anything else. */
export function setOf(
  ids: readonly string[],
  tolerance: { readonly maxErrors?: number; readonly maxUnavailableZones?: number } = {},
): ReplicationSet {
  const byZone = tolerance.maxUnavailableZones !== undefined;
  return {
    instances: ids.map((id) =>
      InstanceDesc.of({ id, addr: `${id}:1`, zone: byZone ? id.charAt(0) : '' }),
    ),
    maxErrors: tolerance.maxErrors ?? 0,
    maxUnavailableZones: tolerance.maxUnavailableZones ?? 0,
    zoneAwarenessEnabled: byZone,
  };
}
