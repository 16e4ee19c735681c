/** A stream of random numbers. One seed gives one stream, on every platform. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** A uniform integer in [0, bound); `bound` is an integer from 1 to 2^32. */
  int(bound: number): number;
  bytes(length: number): Uint8Array;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream: one more draw here changes nothing there. Equal labels give equal streams. */
  fork(label: string): Random;
}
