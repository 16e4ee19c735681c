/** What a connection that is neither a packet nor a stream seems to be, told from its first bytes. */
export type ForeignProtocol = 'http' | 'tls' | 'proxy' | 'ssh' | 'memberlist' | 'unknown';

const HTTP_METHODS = [
  'GET ',
  'HEAD ',
  'POST ',
  'PUT ',
  'DELETE ',
  'OPTIONS ',
  'PATCH ',
  'TRACE ',
  'CONNECT ',
  'PRI * HTTP/2',
];
const PROXY_V2 = '\r\n\r\n\0\r\nQUIT\n';
/** First bytes of the classic memberlist stream: push/pull, compressed, encrypted, labelled. */
const MEMBERLIST_TYPES = [6, 9, 10, 0xf4];

/** Recognises what somebody else speaks on the gossip port. Looks at the first bytes only; a guess, for logs. */
export function sniff(bytes: Uint8Array): ForeignProtocol {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  if (HTTP_METHODS.some((method) => head.startsWith(method))) return 'http';
  if (bytes[0] === 0x16 && (bytes[1] ?? 3) === 3) return 'tls';
  if (head.startsWith('PROXY ') || head.startsWith(PROXY_V2)) return 'proxy';
  if (head.startsWith('SSH-')) return 'ssh';
  if (MEMBERLIST_TYPES.includes(bytes[0] ?? 0)) return 'memberlist';
  return 'unknown';
}

/** What an operator should know about such a connection. */
export const FOREIGN_HINTS: Readonly<Record<ForeignProtocol, string>> = {
  http: 'an HTTP request on the gossip port; metrics and status pages are on the HTTP port, and a scrape configuration or health check names the wrong one',
  tls: 'a TLS handshake on a gossip port without TLS; set -memberlist.tls-enabled on all members or on none',
  proxy:
    'a PROXY protocol header on the gossip port; turn it off in the load balancer, and let members dial each other directly',
  ssh: 'an SSH client on the gossip port',
  memberlist:
    'probably a memberlist that does not use the TCP-only transport; members of one cluster need the same transport',
  unknown: 'neither a packet nor a stream of the gossip protocol',
};

/** The answer to an HTTP request on the gossip port. */
export const HTTP_ANSWER: Uint8Array = new TextEncoder().encode(
  httpResponse('This is the gossip port. Metrics and status pages are on the HTTP port.\n'),
);

function httpResponse(body: string): string {
  return [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
