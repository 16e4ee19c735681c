import { expect, test } from 'vitest';
import { JoinAddressError, parseJoinAddress } from '../src/index.ts';

test.each([
  ['1.2.3.4', '', '1.2.3.4', 8301],
  ['1.2.3.4:1', '', '1.2.3.4', 1],
  ['[2001:db8::1]', '', '2001:db8::1', 8301],
  ['[2001:db8::1]:7946', '', '2001:db8::1', 7946],
  ['2001:db8::1', '', '2001:db8::1', 8301],
  ['n1/10.0.0.1:7000', 'n1', '10.0.0.1', 7000],
  ['n1/[::1]', 'n1', '::1', 8301],
  ['seed.example.:7946', '', 'seed.example.', 7946],
  ['seed', '', 'seed', 8301],
  ['a/b/c', 'a', 'b/c', 8301],
])('%s is node "%s" at %s, port %i', (text, name, host, port) => {
  expect(parseJoinAddress(text, 8301)).toEqual({ name, host, port });
});

test.each([
  ['/x', /node name before \/ is empty/],
  ['h:80000', /"80000" is not a port/],
  ['h:0', /"0" is not a port/],
  ['h:', /"" is not a port/],
  ['h:http', /"http" is not a port/],
  [':80', /host is empty/],
  ['', /host is empty/],
  ['[2001:db8::1', /IPv6 address between/],
  ['[host]:1', /IPv6 address between/],
  ['[::1]7946', /only :port may follow/],
])('%s is refused with what is wrong', (text, fault) => {
  expect(() => parseJoinAddress(text, 8301)).toThrow(fault);
  expect(() => parseJoinAddress(text, 8301)).toThrow(JoinAddressError);
});
