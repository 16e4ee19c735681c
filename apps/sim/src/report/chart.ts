import { line, symbol, symbolCircle } from 'd3-shape';
import { escapeHtml } from './escape.ts';

/** A line of a {@link ladderSvg}: a value for each step. */
export interface LadderLine {
  readonly name: string;
  readonly values: readonly number[];
}

/** What a {@link ladderSvg} shows. */
export interface LadderOptions {
  readonly title: string;
  /** What the steps are values of. */
  readonly xLabel: string;
  readonly yLabel: string;
  /** Names of the steps, evenly apart. */
  readonly steps: readonly string[];
  /** The step to mark, and with which word. */
  readonly marked: { readonly step: string; readonly text: string };
  readonly lines: readonly LadderLine[];
}

/** What a {@link scatterSvg} shows. */
export interface ScatterOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly text: string }[];
}

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 20;
const TOP = 44;
const BOTTOM = 40;
const DOT_AREA = 36;
const COLORS = ['#1f6fb2', '#c2571a', '#3a8a3a', '#8a3a8a'] as const;

/** Lines over steps, on a logarithmic scale: a stand-alone SVG picture. */
export function ladderSvg(options: LadderOptions): string {
  const { title, steps, marked, lines } = options;
  const values = lines.flatMap((each) => each.values).filter((value) => value > 0);
  const low = Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b), 1000)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b), 1))));
  const x = (index: number): number =>
    LEFT + ((index + 0.5) * (WIDTH - LEFT - RIGHT)) / Math.max(1, steps.length);
  const y = (value: number): number => {
    const power = value > 0 ? Math.max(low, Math.log10(value)) : low;
    return HEIGHT - BOTTOM - ((power - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  };
  const powers = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  const markedAt = steps.indexOf(marked.step);
  return picture(title, [
    ...powers.map((power) => yTick(y(power), String(power))),
    ...steps.map((step, index) => text(x(index), HEIGHT - 22, step, 'middle')),
    ...(markedAt < 0 ? [] : [mark(x(markedAt), marked.text)]),
    ...lines.flatMap((each, index) => drawn(each, { x, y, color: colorOf(index) })),
    ...legend(lines.map(({ name }) => name)),
    text(WIDTH - RIGHT, HEIGHT - 5, options.xLabel, 'end'),
    text(8, TOP - 8, options.yLabel, 'start'),
  ]);
}

/** Points with names, from 0 on both ways: a stand-alone SVG picture. */
export function scatterSvg({ title, xLabel, yLabel, points }: ScatterOptions): string {
  const xMost = points.reduce((most, point) => Math.max(most, point.x), 0) * 1.05 || 1;
  const yMost = points.reduce((most, point) => Math.max(most, point.y), 0) * 1.05 || 1;
  const x = (value: number): number => LEFT + (value / xMost) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / yMost) * (HEIGHT - TOP - BOTTOM);
  const shares = [0, 0.25, 0.5, 0.75, 1];
  return picture(title, [
    ...shares.map((share) => yTick(y(share * yMost), short(share * yMost))),
    ...shares.map((share) => text(x(share * xMost), HEIGHT - 22, short(share * xMost), 'middle')),
    ...points.map((point) => dot(x(point.x), y(point.y), { color: colorOf(0), text: point.text })),
    text(WIDTH - RIGHT, HEIGHT - 5, xLabel, 'end'),
    text(8, TOP - 8, yLabel, 'start'),
  ]);
}

interface Pen {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
  readonly color: string;
}

function drawn({ name, values }: LadderLine, { x, y, color }: Pen): readonly string[] {
  const points = values.map((value, index): [number, number] => [x(index), y(value)]);
  const path = line().digits(1)(points) ?? '';
  return [
    `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"><title>${escapeHtml(name)}</title></path>`,
    ...points.map(([left, top], index) =>
      dot(left, top, { color, text: `${name}: ${short(values[index] ?? 0)}` }),
    ),
  ];
}

function dot(left: number, top: number, look: { color: string; text: string }): string {
  const path = symbol(symbolCircle, DOT_AREA).digits(1)() ?? '';
  return `<path d="${path}" transform="translate(${left.toFixed(1)} ${top.toFixed(1)})" fill="${look.color}"><title>${escapeHtml(look.text)}</title></path>`;
}

function picture(title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11" fill="#555" role="img" aria-label="${escapeHtml(title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="16" font-size="13" fill="#222">${escapeHtml(title)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function yTick(top: number, label: string): string {
  const at = top.toFixed(1);
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/>${text(LEFT - 6, top + 4, label, 'end')}`;
}

function mark(left: number, label: string): string {
  const at = left.toFixed(1);
  return `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="3 3"/>${text(left + 4, TOP + 8, label, 'start')}`;
}

function legend(names: readonly string[]): readonly string[] {
  const step = 110;
  const from = WIDTH - RIGHT - names.length * step;
  return names.map((name, index) => {
    const left = from + index * step;
    return `<rect x="${left}" y="24" width="9" height="9" fill="${colorOf(index)}"/>${text(left + 13, 32, name, 'start')}`;
  });
}

function text(
  left: number,
  top: number,
  words: string,
  anchor: 'start' | 'middle' | 'end',
): string {
  return `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(words)}</text>`;
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? COLORS[0];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
