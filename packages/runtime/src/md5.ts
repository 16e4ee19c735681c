/**
 * The MD5 digest (RFC 1321) of `bytes`: 16 bytes. For framing checks and stable keys, not for security; in plain
 * TypeScript because it runs inside synchronous cores and in browsers.
 */
export function md5(bytes: Uint8Array): Uint8Array {
  const state = new Int32Array([0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476]);
  const whole = bytes.length & ~63;
  update(state, bytes, whole);

  // The rest, a 1 bit, zeros, and the length in bits as 64 bits little-endian.
  const rest = bytes.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, (bytes.length << 3) >>> 0, true);
  view.setUint32(tail.length - 4, Math.floor(bytes.length / 2 ** 29), true);
  update(state, tail, tail.length);

  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (const [i, value] of state.entries()) out.setInt32(4 * i, value, true);
  return digest;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function rotateAdd(sum: number, bits: number, b: number): number {
  return (((sum << bits) | (sum >>> (32 - bits))) + b) | 0;
}

function f(a: number, b: number, c: number, d: number, x: number, bits: number, k: number): number {
  return rotateAdd((a + ((b & c) | (~b & d)) + x + k) | 0, bits, b);
}

function g(a: number, b: number, c: number, d: number, x: number, bits: number, k: number): number {
  return rotateAdd((a + ((b & d) | (c & ~d)) + x + k) | 0, bits, b);
}

function h(a: number, b: number, c: number, d: number, x: number, bits: number, k: number): number {
  return rotateAdd((a + (b ^ c ^ d) + x + k) | 0, bits, b);
}

function i(a: number, b: number, c: number, d: number, x: number, bits: number, k: number): number {
  return rotateAdd((a + (c ^ (b | ~d)) + x + k) | 0, bits, b);
}

/** Takes in whole blocks. Unrolled: with the words in locals it runs several times faster than a loop over tables. */
function update(state: Int32Array, bytes: Uint8Array, length: number): void {
  let sa = state[0] ?? 0;
  let sb = state[1] ?? 0;
  let sc = state[2] ?? 0;
  let sd = state[3] ?? 0;
  for (let at = 0; at < length; at += 64) {
    let a = sa;
    let b = sb;
    let c = sc;
    let d = sd;
    const x0 = word(bytes, at);
    const x1 = word(bytes, at + 4);
    const x2 = word(bytes, at + 8);
    const x3 = word(bytes, at + 12);
    const x4 = word(bytes, at + 16);
    const x5 = word(bytes, at + 20);
    const x6 = word(bytes, at + 24);
    const x7 = word(bytes, at + 28);
    const x8 = word(bytes, at + 32);
    const x9 = word(bytes, at + 36);
    const x10 = word(bytes, at + 40);
    const x11 = word(bytes, at + 44);
    const x12 = word(bytes, at + 48);
    const x13 = word(bytes, at + 52);
    const x14 = word(bytes, at + 56);
    const x15 = word(bytes, at + 60);

    a = f(a, b, c, d, x0, 7, 0xd76aa478);
    d = f(d, a, b, c, x1, 12, 0xe8c7b756);
    c = f(c, d, a, b, x2, 17, 0x242070db);
    b = f(b, c, d, a, x3, 22, 0xc1bdceee);
    a = f(a, b, c, d, x4, 7, 0xf57c0faf);
    d = f(d, a, b, c, x5, 12, 0x4787c62a);
    c = f(c, d, a, b, x6, 17, 0xa8304613);
    b = f(b, c, d, a, x7, 22, 0xfd469501);
    a = f(a, b, c, d, x8, 7, 0x698098d8);
    d = f(d, a, b, c, x9, 12, 0x8b44f7af);
    c = f(c, d, a, b, x10, 17, 0xffff5bb1);
    b = f(b, c, d, a, x11, 22, 0x895cd7be);
    a = f(a, b, c, d, x12, 7, 0x6b901122);
    d = f(d, a, b, c, x13, 12, 0xfd987193);
    c = f(c, d, a, b, x14, 17, 0xa679438e);
    b = f(b, c, d, a, x15, 22, 0x49b40821);

    a = g(a, b, c, d, x1, 5, 0xf61e2562);
    d = g(d, a, b, c, x6, 9, 0xc040b340);
    c = g(c, d, a, b, x11, 14, 0x265e5a51);
    b = g(b, c, d, a, x0, 20, 0xe9b6c7aa);
    a = g(a, b, c, d, x5, 5, 0xd62f105d);
    d = g(d, a, b, c, x10, 9, 0x02441453);
    c = g(c, d, a, b, x15, 14, 0xd8a1e681);
    b = g(b, c, d, a, x4, 20, 0xe7d3fbc8);
    a = g(a, b, c, d, x9, 5, 0x21e1cde6);
    d = g(d, a, b, c, x14, 9, 0xc33707d6);
    c = g(c, d, a, b, x3, 14, 0xf4d50d87);
    b = g(b, c, d, a, x8, 20, 0x455a14ed);
    a = g(a, b, c, d, x13, 5, 0xa9e3e905);
    d = g(d, a, b, c, x2, 9, 0xfcefa3f8);
    c = g(c, d, a, b, x7, 14, 0x676f02d9);
    b = g(b, c, d, a, x12, 20, 0x8d2a4c8a);

    a = h(a, b, c, d, x5, 4, 0xfffa3942);
    d = h(d, a, b, c, x8, 11, 0x8771f681);
    c = h(c, d, a, b, x11, 16, 0x6d9d6122);
    b = h(b, c, d, a, x14, 23, 0xfde5380c);
    a = h(a, b, c, d, x1, 4, 0xa4beea44);
    d = h(d, a, b, c, x4, 11, 0x4bdecfa9);
    c = h(c, d, a, b, x7, 16, 0xf6bb4b60);
    b = h(b, c, d, a, x10, 23, 0xbebfbc70);
    a = h(a, b, c, d, x13, 4, 0x289b7ec6);
    d = h(d, a, b, c, x0, 11, 0xeaa127fa);
    c = h(c, d, a, b, x3, 16, 0xd4ef3085);
    b = h(b, c, d, a, x6, 23, 0x04881d05);
    a = h(a, b, c, d, x9, 4, 0xd9d4d039);
    d = h(d, a, b, c, x12, 11, 0xe6db99e5);
    c = h(c, d, a, b, x15, 16, 0x1fa27cf8);
    b = h(b, c, d, a, x2, 23, 0xc4ac5665);

    a = i(a, b, c, d, x0, 6, 0xf4292244);
    d = i(d, a, b, c, x7, 10, 0x432aff97);
    c = i(c, d, a, b, x14, 15, 0xab9423a7);
    b = i(b, c, d, a, x5, 21, 0xfc93a039);
    a = i(a, b, c, d, x12, 6, 0x655b59c3);
    d = i(d, a, b, c, x3, 10, 0x8f0ccc92);
    c = i(c, d, a, b, x10, 15, 0xffeff47d);
    b = i(b, c, d, a, x1, 21, 0x85845dd1);
    a = i(a, b, c, d, x8, 6, 0x6fa87e4f);
    d = i(d, a, b, c, x15, 10, 0xfe2ce6e0);
    c = i(c, d, a, b, x6, 15, 0xa3014314);
    b = i(b, c, d, a, x13, 21, 0x4e0811a1);
    a = i(a, b, c, d, x4, 6, 0xf7537e82);
    d = i(d, a, b, c, x11, 10, 0xbd3af235);
    c = i(c, d, a, b, x2, 15, 0x2ad7d2bb);
    b = i(b, c, d, a, x9, 21, 0xeb86d391);

    sa = (sa + a) | 0;
    sb = (sb + b) | 0;
    sc = (sc + c) | 0;
    sd = (sd + d) | 0;
  }
  state[0] = sa;
  state[1] = sb;
  state[2] = sc;
  state[3] = sd;
}
