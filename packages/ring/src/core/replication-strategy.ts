import { TooFewHealthyInstancesError } from '../errors.ts';
import type { InstanceDesc } from './instance.ts';

/** The instances that a walk along the ring met. */
export interface Candidates {
  /** How many of them are healthy. */
  readonly healthy: number;
  /** The others, in the order in which they were met. */
  readonly unhealthy: readonly InstanceDesc[];
  readonly replicationFactor: number;
  readonly zoneAware: boolean;
}

/** Decides how many of the instances that a look-up met must answer. */
export interface ReplicationStrategy {
  /** Whether a look-up may ask for more replicas than the ring is configured for. */
  readonly canExpand: boolean;
  /**
   * How many of the healthy ones may fail. The answer must depend on nothing but the argument.
   * @throws {TooFewHealthyInstancesError}
   */
  maxErrors(candidates: Candidates): number;
}

/** A majority must answer; extension raises the quorum. As the default strategy of dskit. R-33 */
export const quorumStrategy: ReplicationStrategy = {
  canExpand: false,
  maxErrors: (candidates) => {
    const { healthy, unhealthy, replicationFactor, zoneAware } = candidates;
    const met = Math.max(replicationFactor, healthy + unhealthy.length);
    const required = Math.floor(met / 2) + 1;
    if (healthy < required) {
      throw new TooFewHealthyInstancesError({
        required,
        healthy,
        unhealthy,
        zoneAware,
      });
    }
    return healthy - required;
  },
};

/** One healthy instance is enough. As the strategy of dskit that ignores unhealthy instances. R-34 */
export const ignoreUnhealthyStrategy: ReplicationStrategy = {
  canExpand: true,
  maxErrors: ({ healthy, unhealthy, zoneAware }) => {
    if (healthy === 0) {
      throw new TooFewHealthyInstancesError({ required: 1, healthy: 0, unhealthy, zoneAware });
    }
    return healthy - 1;
  },
};
