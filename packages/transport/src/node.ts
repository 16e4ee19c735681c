export { defaultRouteOf, nodeInterfaces } from './node-interfaces.ts';
export { type CreateTcpTransportOptions, createTcpTransport } from './node-tcp-transport.ts';
