export {
  compareAddresses,
  formatAddress,
  parseAddress,
  sameAddress,
  tryParseAddress,
} from './address.ts';
export { type Advertised, type AdvertiseInput, chooseAdvertised } from './advertise.ts';
export {
  AddressError,
  AdvertiseError,
  BindError,
  DialError,
  type DialFailure,
  StreamError,
  TlsConfigError,
  TlsHandshakeError,
} from './errors.ts';
export {
  FALLBACK_INTERFACE_NAMES,
  type FirstAddress,
  type InterfaceAddress,
  type NetworkInterface,
  privateInterfaceNames,
  selectFirstAddress,
  selectPrivateAddress,
} from './interfaces.ts';
export {
  canonicalIp,
  compareIp,
  formatIp,
  type IpNetwork,
  networkContains,
  parseIp,
  parseNetwork,
  sameIp,
  toIpv4,
  toIpv6,
} from './ip.ts';
export { type TcpTransportConfig, tcpTransportConfig } from './tcp/config.ts';
export { type ForeignProtocol, sniff } from './tcp/sniff.ts';
export {
  DEFAULT_TCP_TRANSPORT_LIMITS,
  type TcpTransportLimits,
} from './tcp/tcp-transport.ts';
export { CIPHER_SUITES, type TlsSettings } from './tls.ts';
export type { Address, Packet, Stream, Transport, TransportHandler } from './transport.ts';
