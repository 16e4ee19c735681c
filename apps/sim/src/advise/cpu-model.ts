import type { TrafficRates } from '../sweep/heartbeat-watch.ts';

/**
 * What processor time and bandwidth a node's traffic costs. The simulator counts packets and bytes exactly; what each of
 * them costs was measured once on real processes over loopback, see bench/results/cluster.md (Node.js 20 on an AMD EPYC):
 * 20 nodes with heartbeats of 15 s took 0.27 s of processor time per node and minute at 10.9 packets/s and 14.0 kB/s on
 * the wire, 50 nodes 0.318 s at 13.2 packets/s and 27.2 kB/s, idle ones 0.031 to 0.037 s. So equal runs give equal
 * figures on every machine; another machine's processor makes all of them larger or smaller by one factor.
 */

/** Share of a core that a node takes for timers, probes and bookkeeping when nothing is gossiped. */
const IDLE_SHARE = 0.0004;
/** Seconds of a core for a packet, at each of its two ends: a TCP connection is made for it, as in dskit. */
const PACKET_S = 0.00014;
/** Seconds of a core for a byte at each end: compression, checksum, decoding, merging. */
const BYTE_S = 25e-9;
/** Bytes of TCP and IP headers, handshake and goodbye included, that a packet costs both ways on the wire. */
const PACKET_OVERHEAD_BYTES = 450;

/** Share of one core that a node takes, modelled: 0.005 is half a percent. */
export function cpuShare(rates: TrafficRates): number {
  const packets = rates.sentPacketsS + rates.receivedPacketsS + 2 * rates.dialsS;
  return IDLE_SHARE + packets * PACKET_S + (rates.sentBytesS + rates.receivedBytesS) * BYTE_S;
}

/** Bytes per second that a node puts on the wire: what it sends, and headers for each packet and exchange. */
export function wireBytesS(rates: TrafficRates): number {
  return rates.sentBytesS + (rates.sentPacketsS + rates.dialsS) * PACKET_OVERHEAD_BYTES;
}

/** The model in a few words, for reports. */
export const CPU_MODEL: string =
  `${IDLE_SHARE * 100} % of a core idle, ${PACKET_S * 1e6} µs a packet and ${BYTE_S * 1e9} ns a byte, sent or received; ` +
  `${PACKET_OVERHEAD_BYTES} bytes of TCP and IP headers a packet (from bench/results/cluster.md)`;
