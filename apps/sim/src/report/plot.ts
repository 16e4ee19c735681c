import { escapeHtml } from './escape.ts';

/** A line of a plot: points by x. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Joins points by steps, for what stays until it changes. */
  readonly step?: boolean;
}

/** What a plot shows. */
export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Vertical lines with what happened there. */
  readonly marks?: readonly { readonly x: number; readonly text: string }[];
}

const WIDTH = 760;
const HEIGHT = 220;
const LEFT = 64;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 34;
/** Room above the frame of a file, for title and legend. */
const HEAD = 44;
const LEGEND_STEP = 220;
const FILE_STYLE =
  '.grid{stroke:#ddd}.mark{stroke:#c33;stroke-dasharray:3 3}.tick,.label{font-size:11px;fill:#555}';
const COLORS = ['#1f6fb2', '#c2571a', '#3a8a3a', '#8a3a8a'] as const;

/** An inline SVG picture with its heading; nothing but text where there is nothing to show. */
export function plotHtml(options: PlotOptions): string {
  const { title, series } = options;
  const heading = `<h2>${escapeHtml(title)}</h2>`;
  if (series.every(({ points }) => points.length === 0)) {
    return `${heading}<p>nothing was measured</p>`;
  }
  return [
    heading,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    ...shapes(options),
    '</svg>',
    legend(series),
  ].join('\n');
}

/** The picture as an SVG file that needs nothing else, with title and legend in it. */
export function plotSvg(options: PlotOptions): string {
  const { title, series } = options;
  const height = HEAD + HEIGHT;
  const names = series.map(({ name }, index) => {
    const x = LEFT + index * LEGEND_STEP;
    return `<rect x="${x}" y="27" width="10" height="10" fill="${colorOf(index)}"/><text class="tick" x="${x + 15}" y="36">${escapeHtml(name)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" role="img" aria-label="${escapeHtml(title)}">`,
    `<style>${FILE_STYLE}</style>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="17" font-size="13">${escapeHtml(title)}</text>`,
    ...names,
    `<g transform="translate(0 ${HEAD})">`,
    ...shapes(options),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Everything inside the frame: grid, marks, lines and labels. */
function shapes({ series, marks = [], xLabel, yLabel }: PlotOptions): readonly string[] {
  const points = series.flatMap((line) => line.points);
  const xs = points.map(([x]) => x);
  const xMin = xs.reduce((a, b) => Math.min(a, b), xs[0] ?? 0);
  const xMax = xs.reduce((a, b) => Math.max(a, b), xMin + 1e-9);
  const yMax = nice(points.reduce((most, [, y]) => Math.max(most, y), 0));
  const scale: Scale = {
    x: (x) => LEFT + ((x - xMin) / (xMax - xMin)) * (WIDTH - LEFT - RIGHT),
    y: (y) => HEIGHT - BOTTOM - (y / yMax) * (HEIGHT - TOP - BOTTOM),
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    ...ticks.map((share) => yTick(share * yMax, scale)),
    ...ticks.map((share) => xTick(xMin + share * (xMax - xMin), scale)),
    ...marks
      .filter(({ x }) => x >= xMin && x <= xMax)
      .map(({ x, text }) => markOf(scale.x(x), text)),
    ...series.map((line, index) => pathOf(line, scale, colorOf(index))),
    `<text class="label" x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">${escapeHtml(xLabel)}</text>`,
    `<text class="label" x="4" y="${TOP}">${escapeHtml(yLabel)}</text>`,
  ];
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? '';
}

interface Scale {
  readonly x: (x: number) => number;
  readonly y: (y: number) => number;
}

function pathOf({ name, points, step }: Series, scale: Scale, color: string): string {
  const commands = points.map(([x, y], index) => {
    const at = `${scale.x(x).toFixed(1)} ${scale.y(y).toFixed(1)}`;
    if (index === 0) return `M${at}`;
    return step === true ? `H${scale.x(x).toFixed(1)}V${scale.y(y).toFixed(1)}` : `L${at}`;
  });
  return `<path d="${commands.join('')}" fill="none" stroke="${color}" stroke-width="1.5"><title>${escapeHtml(name)}</title></path>`;
}

function markOf(x: number, text: string): string {
  const at = x.toFixed(1);
  return `<line class="mark" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"><title>${escapeHtml(text)}</title></line>`;
}

function yTick(value: number, scale: Scale): string {
  const y = scale.y(value).toFixed(1);
  return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/><text class="tick" x="${LEFT - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${short(value)}</text>`;
}

function xTick(value: number, scale: Scale): string {
  return `<text class="tick" x="${scale.x(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 14}" text-anchor="middle">${short(value)}</text>`;
}

function legend(series: readonly Series[]): string {
  const items = series.map(({ name }, index) => {
    return `<span><i style="background:${colorOf(index)}"></i>${escapeHtml(name)}</span>`;
  });
  return `<p class="legend">${items.join(' ')}</p>`;
}

/** The next number that is easy to read. */
function nice(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function short(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toFixed(2))}M`;
  if (value >= 10_000) return `${Number((value / 1000).toFixed(1))}k`;
  return String(Number(value.toPrecision(3)));
}
