/** Calls `run` once every promise continuation that can run now, and all that those lead to, has run. */
export function afterContinuations(run: () => void): void {
  setImmediate(run);
}
