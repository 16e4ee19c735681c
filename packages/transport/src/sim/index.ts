export type { LatencySampler, LinkFaults } from './link.ts';
export type { Traffic } from './sim-host.ts';
export { SimNetwork, type SimNetworkOptions } from './sim-network.ts';
