import { seconds } from '../assertion.ts';
import type { Progress } from '../run-scenario.ts';

const BAR_WIDTH = 24;

/** One line that shows how far a run is, and how much faster than real time. `wallMs`: real time since the start. */
export function progressLine(progress: Progress, wallMs: number): string {
  const { nowMs, endMs, live, nodes } = progress;
  const share = endMs > 0 ? Math.min(1, nowMs / endMs) : 1;
  const done = Math.round(share * BAR_WIDTH);
  const bar = `${'#'.repeat(done)}${'.'.repeat(BAR_WIDTH - done)}`;
  const ratio = wallMs > 0 ? nowMs / wallMs : 0;
  return `[${bar}] ${Math.round(share * 100)}% ${seconds(nowMs)} of ${seconds(endMs)}, ${ratio.toFixed(0)}x real time, ${live}/${nodes} nodes up`;
}
