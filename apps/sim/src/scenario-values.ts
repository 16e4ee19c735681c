import { parseDuration } from '@ml/runtime/config';
import type { LinkFaults } from '@ml/transport/sim';
import * as z from 'zod';
import { DNS_FAULTS } from './dns.ts';
import { type Latency, latencyOf } from './links.ts';
import { SELECTOR_FORMS } from './select.ts';

const DURATION = /^((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$|^0$/;
const DURATION_FORM = 'write a duration such as 500ms, 30s or 5m';
const SIGNED_DURATION_FORM = 'write a duration such as 1h or -90s';
const BYTES = /^(\d+(?:\.\d+)?)(B|kB|MB|GB)?(?:\/s)?$/;

/** Go duration text; milliseconds inside. */
export const duration: z.ZodType<number, string> = z
  .string(DURATION_FORM)
  .regex(DURATION, DURATION_FORM)
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: 'A duration: 500ms, 30s, 5m.' });

/** A duration that may also be negative. */
export const signedDuration: z.ZodType<number, string> = z
  .string(SIGNED_DURATION_FORM)
  .regex(/^-?(((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+|0)$/, SIGNED_DURATION_FORM)
  .transform((text) => parseDuration(text) ?? 0)
  .meta({ description: 'A duration that may be negative: 1h, -90s.' });

/** A share: 0.01 or "1%". */
export const share: z.ZodType<number, number | string> = z
  .union(
    [
      z.number().min(0).max(1),
      z
        .string()
        .regex(/^(100|\d{1,2}(\.\d+)?)%$/)
        .transform((text) => Number(text.slice(0, -1)) / 100),
    ],
    { error: 'write a share such as 1% or 0.01' },
  )
  .meta({ description: 'A share: 1% or 0.01.' });

/** An amount of bytes: 500, 64kB, 10MB/s. */
export const byteAmount: z.ZodType<number, number | string> = z
  .union([z.number().min(0), z.string().regex(BYTES).transform(bytesOf)], {
    error: 'write an amount of bytes such as 500, 64kB or 10MB',
  })
  .meta({ description: 'An amount of bytes: 500, 64kB, 10MB.' });

/** Which nodes. */
export const selector: z.ZodType<readonly string[], string | readonly string[]> = z
  .union(
    [
      z
        .string()
        .min(1)
        .transform((text) => [text]),
      z.array(z.string().min(1)).min(1),
    ],
    {
      error: `write ${SELECTOR_FORMS}, or a list of these`,
    },
  )
  .meta({ description: `Which nodes: ${SELECTOR_FORMS}, or a list of these.` });

/** A latency, fixed or distributed. */
export const latency: z.ZodType<Latency, unknown> = z.union(
  [
    duration.transform((ms): Latency => ({ type: 'fixed', ms })),
    z
      .strictObject({ distribution: z.literal('uniform'), min: duration, max: duration })
      .transform(
        ({ min, max }): Latency => ({ type: 'uniform', minMs: min, maxMs: Math.max(min, max) }),
      ),
    z
      .strictObject({
        distribution: z.literal('exponential'),
        min: duration.default(0),
        mean: duration,
      })
      .transform(
        ({ min, mean }): Latency => ({
          type: 'exponential',
          minMs: min,
          meanMs: Math.max(min, mean),
        }),
      ),
    z
      .strictObject({
        distribution: z.literal('lognormal'),
        median: duration,
        sigma: z.number().min(0).max(3),
      })
      .transform(({ median, sigma }): Latency => ({ type: 'lognormal', medianMs: median, sigma })),
  ],
  {
    error:
      'write a duration, or {distribution: uniform, min, max}, {distribution: exponential, min, mean} or {distribution: lognormal, median, sigma}',
  },
);

/** Faults of a link as a scenario writes them. */
export interface LinkText {
  readonly latency?: Latency | undefined;
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  readonly reorder?: number | undefined;
  readonly reorder_by?: number | undefined;
  readonly corrupt?: number | undefined;
  /** Bytes per second. */
  readonly bandwidth?: number | undefined;
}

/** Faults of a link as the network takes them. */
export function linkFaults(text: LinkText): LinkFaults {
  const { latency: given, loss, duplicate, reorder, reorder_by, corrupt, bandwidth } = text;
  return {
    ...(given !== undefined && { latencyMs: latencyOf(given) }),
    ...(loss !== undefined && { loss }),
    ...(duplicate !== undefined && { duplicate }),
    ...(reorder !== undefined && { reorder }),
    ...(reorder_by !== undefined && { reorderMs: reorder_by }),
    ...(corrupt !== undefined && { corrupt }),
    ...(bandwidth !== undefined && { bytesPerSecond: bandwidth }),
  };
}

/** Where a restarted node comes up. */
export const address: z.ZodEnum<{ same: 'same'; new: 'new' }> = z.enum(['same', 'new']);

/** How the DNS misbehaves, in the words of scenario files. */
export const dnsFault: z.ZodEnum<{ [Fault in (typeof DNS_FAULTS)[number]]: Fault }> =
  z.enum(DNS_FAULTS);

/** A block of the server's configuration, which the server's own checks read. */
export const configBlock: z.ZodType<Readonly<Record<string, unknown>>> = z
  .record(z.string(), z.unknown())
  .meta({ description: 'Options of ml-server, as in its configuration file.' });

function bytesOf(text: string): number {
  const [, digits = '0', unit = 'B'] = BYTES.exec(text) ?? [];
  const factor = { B: 1, kB: 1000, MB: 1_000_000, GB: 1_000_000_000 }[unit] ?? 1;
  return Number(digits) * factor;
}
