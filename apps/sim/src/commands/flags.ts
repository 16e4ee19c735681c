import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '@ml/runtime/config';
import { SimUsageError } from '../errors.ts';
import { byteAmount, duration, share } from '../scenario-values.ts';

/** The flags of a command: which there are, and whether they take a value and may be repeated. */
export type FlagTable = NonNullable<ParseArgsConfig['options']>;

/** A command line, taken apart. */
export interface GivenFlags {
  /** The texts given to each flag (without dashes), in order. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** Takes a command line apart. @throws {SimUsageError} that names an unknown flag and those that it may have meant */
export function givenFlags(command: string, argv: readonly string[], table: FlagTable): GivenFlags {
  refuseUnknown(command, argv, Object.keys(table));
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: table,
      allowPositionals: true,
    });
    const texts = new Map<string, readonly string[]>();
    for (const [flag, value] of Object.entries(values)) {
      if (value !== undefined)
        texts.set(flag, (Array.isArray(value) ? value : [value]).map(String));
    }
    return { texts, positionals };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(`${command}: ${reason}`, { cause: error });
  }
}

function refuseUnknown(command: string, argv: readonly string[], known: readonly string[]): void {
  const end = argv.indexOf('--');
  for (const argument of end < 0 ? argv : argv.slice(0, end)) {
    const name = /^--?([a-zA-Z][^=]*)/.exec(argument)?.[1];
    if (name === undefined || (known.includes(name) && argument.startsWith('--'))) continue;
    const meant = nearest(name, known).map((flag) => `--${flag}`);
    const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}? ` : '';
    throw new SimUsageError(
      `${command} has no flag ${JSON.stringify(argument.split('=', 1)[0])}: ${hint}it takes ${known.map((flag) => `--${flag}`).join(', ')}`,
    );
  }
}

/** The last text of a flag; `undefined` when it was not given. */
export function lastText({ texts }: GivenFlags, flag: string): string | undefined {
  return texts.get(flag)?.at(-1);
}

/** A flag that is a duration of at least so many milliseconds. @throws {SimUsageError} */
export function durationFlag(
  given: GivenFlags,
  flag: string,
  range: { readonly least: number; readonly most: number },
): number | undefined {
  const text = lastText(given, flag);
  if (text === undefined) return undefined;
  const read = duration.safeParse(text);
  if (read.success && read.data >= range.least && read.data <= range.most) return read.data;
  throw new SimUsageError(
    `--${flag} takes a duration from ${range.least}ms to ${range.most}ms, as in 500ms, 30s or 5m, not ${JSON.stringify(text)}`,
  );
}

/** A flag that is a share: `0.1%` or `0.001`. @throws {SimUsageError} */
export function shareFlag(given: GivenFlags, flag: string, most: number): number | undefined {
  const text = lastText(given, flag);
  if (text === undefined) return undefined;
  const read = share.safeParse(/^[\d.]+$/.test(text) ? Number(text) : text);
  if (read.success && read.data <= most) return read.data;
  throw new SimUsageError(
    `--${flag} takes a share from 0% to ${most * 100}%, as in 0.1% or 0.001, not ${JSON.stringify(text)}`,
  );
}

/** A flag that is an amount of bytes per second: `50kB/s`. @throws {SimUsageError} */
export function bytesFlag(given: GivenFlags, flag: string): number | undefined {
  const text = lastText(given, flag);
  if (text === undefined) return undefined;
  const read = byteAmount.safeParse(text);
  if (read.success && read.data > 0) return read.data;
  throw new SimUsageError(
    `--${flag} takes bytes per second above 0, as in 500, 50kB/s or 1MB/s, not ${JSON.stringify(text)}`,
  );
}
