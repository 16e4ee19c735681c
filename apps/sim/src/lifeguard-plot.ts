import { LIFEGUARD_GRID, type LifeguardResult, summarize } from './lifeguard-grid.ts';
import { comparable, NAMES } from './lifeguard-report.ts';

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 60;
const BOTTOM = 40;
const TOP = 24;

/** docs/images/lifeguard.svg: false positives by number of slow members, on a logarithmic scale that begins below 1 for none. */
export function lifeguardPlot(all: readonly LifeguardResult[]): string {
  const results = comparable(all);
  const lines = (['swim', 'lifeguard'] as const).map((detector) => ({
    detector,
    values: LIFEGUARD_GRID.concurrent.map((concurrent) => {
      const here = results.filter(({ cell }) => cell.concurrent === concurrent);
      return summarize(detector, here).falsePositives;
    }),
  }));
  const top = Math.ceil(Math.log10(Math.max(10, ...lines.flatMap(({ values }) => values))));
  const x = (index: number): number =>
    LEFT + (index * (WIDTH - LEFT - 20)) / (LIFEGUARD_GRID.concurrent.length - 1);
  const y = (value: number): number => {
    const height = value < 1 ? 0 : (Math.log10(value) + 1) / (top + 1);
    return HEIGHT - BOTTOM - height * (HEIGHT - BOTTOM - TOP);
  };
  const grid = Array.from({ length: top + 1 }, (_, power) => {
    const at = y(10 ** power).toFixed(1);
    return `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${at}" y2="${at}" stroke="#ddd"/><text x="${LEFT - 6}" y="${at}" text-anchor="end">${10 ** power}</text>`;
  });
  const ticks = LIFEGUARD_GRID.concurrent.map(
    (concurrent, index) =>
      `<text x="${x(index).toFixed(1)}" y="${HEIGHT - 20}" text-anchor="middle">${concurrent}</text>`,
  );
  const paths = lines.map(({ detector, values }) => {
    const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
    const color = detector === 'swim' ? '#c2571a' : '#1f6fb2';
    const last = points.at(-1)?.split(',')[1] ?? '0';
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/><text x="${WIDTH - 22}" y="${Number(last) - 6}" text-anchor="end" fill="${color}">${NAMES[detector]}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="False positives by number of slow members">`,
    ...grid,
    ...ticks,
    ...paths,
    `<text x="${LEFT}" y="14">false positives</text>`,
    `<text x="${WIDTH - 20}" y="${HEIGHT - 4}" text-anchor="end">slow members at one time</text>`,
    '</svg>',
  ].join('\n');
}
