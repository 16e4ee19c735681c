/** Whether a host is an IPv4 or IPv6 literal (also bracketed or with a zone) and so needs no look-up. Host names never hold a colon. */
export function isAddressLiteral(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
