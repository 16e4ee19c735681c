import { expect, test } from 'vitest';
import { sniff } from '../../src/tcp/sniff.ts';

test.each([
  ['GET / HTTP/1.1\r\n', 'http'],
  ['PRI * HTTP/2.0\r\n', 'http'],
  ['POST /x', 'http'],
  ['\x16\x03\x01\x02\x00', 'tls'],
  ['\x16', 'tls'],
  ['PROXY TCP4 1.2.3.4', 'proxy'],
  ['\r\n\r\n\0\r\nQUIT\n\x21', 'proxy'],
  ['SSH-2.0-OpenSSH', 'ssh'],
  ['\xf4\x01a', 'memberlist'],
  ['\x06', 'memberlist'],
  ['\x00', 'unknown'],
  ['\x03', 'unknown'],
  ['GETX', 'unknown'],
  ['\x16\x09', 'unknown'],
])('%j looks like %s', (text, protocol) => {
  expect(sniff(Uint8Array.from(Buffer.from(text, 'latin1')))).toBe(protocol);
});
