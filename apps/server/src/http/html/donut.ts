import { type Html, html } from './html.ts';

/** One share of the ring. */
export interface DonutSlice {
  readonly label: string;
  readonly color: string;
  /** Pieces of the ring, each as a fraction of the whole turn, in any order. */
  readonly pieces: readonly { readonly from: number; readonly to: number }[];
  /** Their sum, 0 to 1. */
  readonly share: number;
}

const CENTRE = 100;
const RADIUS = 78;
const WIDTH = 30;

/** Pieces that one picture may show; beyond it every slice is drawn in one piece. */
const MAX_PIECES = 4096;

/** Colours that stay apart for neighbours: the hue moves by the golden angle. */
export function sliceColor(index: number): string {
  return `hsl(${Math.round((index * 137.508) % 360)} 62% ${index % 2 === 0 ? 52 : 64}%)`;
}

/** A ring of ownership as an SVG picture. Position 0 is at the top, tokens grow clockwise. */
export function donut(slices: readonly DonutSlice[], label: string): Html {
  const pieces = slices.reduce((sum, slice) => sum + slice.pieces.length, 0);
  const shown = pieces > MAX_PIECES ? inOnePiece(slices) : slices;
  return html`<svg viewBox="0 0 200 200" role="img" aria-label="${label}">
<circle cx="${CENTRE}" cy="${CENTRE}" r="${RADIUS}" fill="none" stroke="currentColor" stroke-opacity="0.15" stroke-width="${WIDTH}"/>
${shown.map(
  (slice) =>
    html`<path d="${slice.pieces.map(arc).join('')}" fill="none" stroke="${slice.color}" stroke-width="${WIDTH}"><title>${slice.label}</title></path>
`,
)}</svg>`;
}

function inOnePiece(slices: readonly DonutSlice[]): DonutSlice[] {
  let from = 0;
  return slices.map((slice) => {
    const to = from + slice.share;
    const pieces = [{ from, to }];
    from = to;
    return { ...slice, pieces };
  });
}

/** One arc; a whole turn needs two, because an arc must not end where it starts. */
function arc(piece: { readonly from: number; readonly to: number }): string {
  const { from, to } = piece;
  if (to <= from) return '';
  if (to - from > 0.999) {
    const middle = from + 0.5;
    return arc({ from, to: middle }) + arc({ from: middle, to: from + 0.9999 });
  }
  const large = to - from > 0.5 ? 1 : 0;
  return `M${point(from)}A${RADIUS} ${RADIUS} 0 ${large} 1 ${point(to)}`;
}

function point(turn: number): string {
  const angle = 2 * Math.PI * turn;
  const x = CENTRE + RADIUS * Math.sin(angle);
  const y = CENTRE - RADIUS * Math.cos(angle);
  return `${x.toFixed(2)} ${y.toFixed(2)}`;
}
