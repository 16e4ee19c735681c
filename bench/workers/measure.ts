/** A benchmark is prepared once per set of parameters; what it returns runs the operation `n` times. */
export type Prepare = (params: Params) => Run | Promise<Run>;

/**
 * Runs the operation `n` times. A number that it returns is what counts, in nanoseconds of {@link cpuNs}, where a run
 * makes its inputs first.
 */
export type Run = (n: number) => number | undefined | Promise<number | undefined>;

/** The parameters of a benchmark, as the request names them. */
export class Params {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  number(name: string): number {
    const value = this.#values[name];
    if (typeof value !== 'number') throw new TypeError(`the benchmark needs the number "${name}"`);
    return value;
  }
}

/** Repeats `once`. */
export function repeated(once: () => void): Run {
  return (n) => {
    for (let i = 0; i < n; i += 1) once();
    return undefined;
  };
}

const results: unknown[] = new Array(4).fill(undefined);
let nextResult = 0;

/** Holds on to a result for a while, so that the compiler cannot leave out the work that made it. */
export function keep(value: unknown): void {
  results[nextResult & 3] = value;
  nextResult += 1;
}

/**
 * The processor time of this process so far, in nanoseconds: all threads, the garbage collector's too. On a machine
 * that others use as well, time on the wall would measure them.
 */
export function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

async function timed(run: Run, n: number): Promise<number> {
  const started = cpuNs();
  const counted = await run(n);
  return counted ?? cpuNs() - started;
}

/**
 * Runs `run` as often as fits in `ms` of processor time and gives the time of one operation. What counts fills that
 * time, not the making of inputs.
 */
export async function sample(
  run: Run,
  ms: number,
): Promise<{ readonly nsPerOp: number; readonly operations: number }> {
  let n = 1;
  for (;;) {
    const took = (await timed(run, n)) / 1e6;
    if (took >= ms / 4 || n >= 2 ** 28) {
      if (took < ms) n = Math.max(1, Math.floor((n * ms) / Math.max(took, 1e-3)));
      break;
    }
    n *= 2;
  }
  globalThis.gc?.();
  // A forced collection also throws compiled code away: what is measured is a program that has run for a while.
  await run(n);
  return { nsPerOp: (await timed(run, n)) / n, operations: n };
}
