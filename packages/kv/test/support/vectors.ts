import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { fromHex } from './bytes.ts';

const connection = z.looseObject({
  id: z.number(),
  open_ms: z.number(),
  dialed_node: z.string(),
  kind: z.enum(['stream', 'packet']),
  dialer_to_listener_hex: z.string(),
  listener_to_dialer_hex: z.string().optional(),
});

const file = z.looseObject({
  vectors: z.array(
    z.looseObject({
      name: z.string(),
      input: z.record(z.string(), z.unknown()),
      hex: z.string(),
    }),
  ),
  captures: z.record(
    z.string(),
    z.looseObject({ label: z.string(), connections: z.array(connection) }),
  ),
  pyroscope_v1_18_0_push_pull: z.looseObject({ request_hex: z.string(), reply_hex: z.string() }),
});

export type Connection = z.infer<typeof connection>;

export const vectorFile: z.infer<typeof file> = file.parse(
  JSON.parse(readFileSync(new URL('../vectors/kv.json', import.meta.url), 'utf8')),
);

/** The bytes of the vector of that name. */
export function vector(name: string): Uint8Array {
  const found = vectorFile.vectors.find((entry) => entry.name === name);
  if (found === undefined) throw new RangeError(`no vector is called ${name}`);
  return fromHex(found.hex);
}
