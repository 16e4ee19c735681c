export type { Address, Packet, Stream, Transport, TransportHandler } from './transport.ts';
