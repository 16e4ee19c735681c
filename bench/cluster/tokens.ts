/**
 * Tokens that look random and that no other node has: the finaliser of murmur3 maps no two numbers to one. The Go side
 * makes the same.
 */
export function tokensOf(node: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    let hash = node * count + i + 1;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  });
}
