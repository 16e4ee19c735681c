import { clockTime, relative, rfc3339 } from '../time.ts';
import { type DonutSlice, donut, sliceColor } from './donut.ts';
import { type Html, html } from './html.ts';
import { stateCell } from './state.ts';

/** One instance as the page shows it. */
export interface RingViewRow {
  readonly id: string;
  /** The instance's state, or `UNHEALTHY` when its heartbeat is too old. */
  readonly state: string;
  readonly address: string;
  readonly zone: string;
  readonly heartbeatUnixMs: number;
  /** `undefined`: not known. */
  readonly registeredUnixMs: number | undefined;
  readonly readOnly: boolean;
  readonly readOnlyUpdatedUnixMs: number | undefined;
  /** Ascending. */
  readonly tokens: readonly number[];
  /** Share of the ring that this instance's tokens own, 0 to 1. */
  readonly ownership: number;
}

/** What the ring page shows. */
export interface RingView {
  readonly name: string;
  readonly key: string;
  readonly nowUnixMs: number;
  readonly rows: readonly RingViewRow[];
  readonly showTokens: boolean;
}

const RING_SIZE = 2 ** 32;

/** The ring page's body. */
export function ringView(view: RingView): Html {
  const { rows } = view;
  const healthy = rows.filter(({ state }) => state === 'ACTIVE').length;
  return html`<p class="soft">Ring <code>${view.name}</code>, key <code>${view.key}</code>. ${rows.length} instances, ${healthy} active. Current time: ${rfc3339(view.nowUnixMs)}</p>
${rows.length === 0 ? html`<p>The ring is empty: no instance has registered yet, or none was heard of.</p>` : [picture(rows), table(view)]}
${rows.length > 0 && html`<p><a href="?tokens=${String(!view.showTokens)}">${view.showTokens ? 'Hide tokens' : 'Show tokens'}</a></p>`}
${view.showTokens && tokenLists(rows)}`;
}

function picture(rows: readonly RingViewRow[]): Html {
  const slices = ringSlices(rows);
  return html`<section class="ring" aria-label="Ownership">
${donut(slices, `Ownership of the ring by ${rows.length} instances`)}
<ul>${slices.map(
    (slice) =>
      html`<li><svg class="swatch" viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill="${slice.color}"/></svg>${slice.label}</li>
`,
  )}</ul>
</section>`;
}

/** The pieces of the ring that belong to each instance: each token owns what lies between the one before it and itself. */
export function ringSlices(rows: readonly RingViewRow[]): DonutSlice[] {
  const owners = rows.flatMap((row, index) => row.tokens.map((token) => ({ token, index })));
  owners.sort((a, b) => a.token - b.token);
  const pieces = rows.map((): { from: number; to: number }[] => []);
  let from = (owners.at(-1)?.token ?? 0) - RING_SIZE;
  for (const { token, index } of owners) {
    const mine = pieces[index];
    const last = mine?.at(-1);
    if (last !== undefined && last.to === from / RING_SIZE) last.to = token / RING_SIZE;
    else mine?.push({ from: from / RING_SIZE, to: token / RING_SIZE });
    from = token;
  }
  return rows.map((row, index) => ({
    label: `${row.id}: ${percent(row.ownership)}`,
    color: sliceColor(index),
    pieces: pieces[index] ?? [],
    share: row.ownership,
  }));
}

function table(view: RingView): Html {
  const now = view.nowUnixMs;
  const zoned = view.rows.some(({ zone }) => zone !== '');
  return html`<form method="post"><div class="scroll"><table>
<caption>Instances by id</caption>
<thead><tr><th scope="col">Instance ID</th>${zoned && html`<th scope="col">Availability zone</th>`}<th scope="col">State</th><th scope="col">Address</th><th scope="col">Registered at</th><th scope="col">Read-only</th><th scope="col">Last heartbeat</th><th scope="col" class="number">Tokens</th><th scope="col" class="number">Ownership</th><th scope="col">Actions</th></tr></thead>
<tbody>
${view.rows.map(
  (
    row,
  ) => html`<tr><th scope="row" class="mono">${row.id}</th>${zoned && html`<td>${row.zone}</td>`}<td>${stateCell(row.state)}</td><td class="mono">${row.address}</td><td>${row.registeredUnixMs === undefined ? '' : rfc3339(row.registeredUnixMs)}</td><td>${readOnlyText(row)}</td><td>${relative(row.heartbeatUnixMs, now)} <span class="soft">(${clockTime(row.heartbeatUnixMs)})</span></td><td class="number">${row.tokens.length}</td><td class="number">${percent(row.ownership)}</td><td><button name="forget" value="${row.id}" aria-label="Forget ${row.id}">Forget</button></td></tr>
`,
)}</tbody></table></div></form>
<p class="soft">Forgetting removes an instance that is gone for good. A live one comes back with its next heartbeat.</p>`;
}

function readOnlyText(row: RingViewRow): string {
  const since = row.readOnlyUpdatedUnixMs;
  if (!row.readOnly) return since === undefined ? 'no' : `no (until ${rfc3339(since)})`;
  return since === undefined ? 'yes' : `since ${rfc3339(since)}`;
}

function tokenLists(rows: readonly RingViewRow[]): Html {
  return html`<h2>Tokens</h2>
<dl>${rows.map(
    (row) => html`<dt class="mono">${row.id}</dt><dd class="mono">${row.tokens.join(' ')}</dd>
`,
  )}</dl>`;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value === 0 || value >= 99.95 ? value.toFixed(0) : value.toPrecision(3)}%`;
}
