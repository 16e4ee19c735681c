/** Real milliseconds, for showing how fast a simulation is. Nothing simulated may look at it. */
export function wallMs(): number {
  return performance.now();
}
