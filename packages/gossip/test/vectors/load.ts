import { readFileSync } from 'node:fs';

/** One record of `gossip.json`: what went in, and the bytes of the reference. */
export interface Vector {
  readonly name: string;
  readonly description: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly hex: string;
}

const all: readonly Vector[] = JSON.parse(
  readFileSync(new URL('./gossip.json', import.meta.url), 'utf8'),
);

/** The records whose name starts with `prefix` ("encode/", "hostile/", …). Fails when there are none. */
export function vectors(prefix: string): readonly Vector[] {
  const found = all.filter((vector) => vector.name.startsWith(prefix));
  if (found.length === 0) throw new RangeError(`no vector is named ${prefix}*`);
  return found;
}

/** The one record of that name. */
export function vector(name: string): Vector {
  const found = all.find((candidate) => candidate.name === name);
  if (found === undefined) throw new RangeError(`no vector is named ${name}`);
  return found;
}

/** The bytes that `text` spells in hexadecimal. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** `bytes` spelled in lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** One field of a vector's input. */
export function inputOf(vector: Vector, field: string): unknown {
  return vector.input[field];
}
