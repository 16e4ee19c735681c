import { byteSize, clockTime, relative, rfc3339 } from '../time.ts';
import { type Html, html } from './html.ts';
import { stateCell } from './state.ts';

/** What the memberlist page shows. */
export interface MemberlistView {
  readonly nowUnixMs: number;
  /** Name of this node. */
  readonly self: string;
  /** Whether it should have joined somebody and sees nobody. */
  readonly isolated: boolean;
  readonly healthScore: number;
  readonly members: readonly MemberRow[];
  readonly keys: readonly KeyRow[];
  /** 0: no messages are kept. */
  readonly historyBytes: number;
  readonly received: readonly MessageRow[];
  readonly sent: readonly MessageRow[];
}

/** One live member. */
export interface MemberRow {
  readonly name: string;
  readonly address: string;
  readonly state: string;
}

/** One key of the store. */
export interface KeyRow {
  readonly key: string;
  readonly codec: string;
  readonly version: number;
  /** Size of the encoded value. */
  readonly bytes: number;
  readonly deleted: boolean;
  readonly updatedUnixMs: number | undefined;
}

/** One message that was sent or received. */
export interface MessageRow {
  readonly id: number;
  readonly atUnixMs: number;
  readonly key: string;
  readonly codec: string;
  readonly bytes: number;
  /** 0: nothing new was in it. */
  readonly version: number;
  readonly changes: readonly string[];
}

/** Messages that the page lists each way; the JSON has all of them. */
const MAX_MESSAGES = 100;

/** The memberlist page's body. */
export function memberlistView(view: MemberlistView): Html {
  return html`<p class="soft">${view.members.length} live members. Health score ${view.healthScore} (0 is best). Current time: ${rfc3339(view.nowUnixMs)}</p>
${view.isolated && html`<p class="error" role="alert">This node sees no other member, though it has join entries. See /ready for what it waits for.</p>`}
<h2>Members</h2>
<div class="scroll"><table>
<caption>Live and suspect members by name</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Address</th><th scope="col">State</th></tr></thead>
<tbody>
${view.members.map(
  (member) =>
    html`<tr><th scope="row" class="mono">${member.name}${member.name === view.self && html` <span class="soft">(this node)</span>`}</th><td class="mono">${member.address}</td><td>${stateCell(member.state)}</td></tr>
`,
)}</tbody></table></div>
<h2>Keys</h2>
${view.keys.length === 0 ? html`<p>The store is empty.</p>` : keyTable(view)}
<h2>Messages</h2>
${messages(view)}`;
}

function keyTable(view: MemberlistView): Html {
  return html`<div class="scroll"><table>
<caption>Keys of the replicated store</caption>
<thead><tr><th scope="col">Key</th><th scope="col">Codec</th><th scope="col" class="number">Version</th><th scope="col" class="number">Size</th><th scope="col">Deleted</th><th scope="col">Updated</th><th scope="col">Value</th></tr></thead>
<tbody>
${view.keys.map((row) => {
  const key = encodeURIComponent(row.key);
  return html`<tr><th scope="row" class="mono">${row.key}</th><td>${row.codec}</td><td class="number">${row.version}</td><td class="number">${byteSize(row.bytes)}</td><td>${row.deleted ? 'yes' : 'no'}</td><td>${row.updatedUnixMs === undefined ? '' : relative(row.updatedUnixMs, view.nowUnixMs)}</td><td><a href="?viewKey=${key}&amp;format=json">json</a> <a href="?viewKey=${key}&amp;format=json-pretty">json-pretty</a> <a href="?viewKey=${key}&amp;format=struct">struct</a> <a href="?downloadKey=${key}">download</a></td></tr>
`;
})}</tbody></table></div>`;
}

function messages(view: MemberlistView): Html {
  if (view.historyBytes <= 0) {
    return html`<p>Messages are not kept. Set <code>-memberlist.message-history-buffer-bytes</code> above 0 to see them here.</p>`;
  }
  return html`<form method="post"><p>The newest messages, at most ${byteSize(view.historyBytes)} each way. <button name="deleteMessages" value="true">Delete all messages</button></p></form>
${messageTable('Received messages', view.received)}
${messageTable('Sent messages', view.sent)}`;
}

function messageTable(title: string, all: readonly MessageRow[]): Html {
  const rows = all.slice(-MAX_MESSAGES).reverse();
  const caption = `${title}, newest first${all.length > rows.length ? `: the last ${rows.length} of ${all.length}` : ''}`;
  return html`<div class="scroll"><table>
<caption>${caption}</caption>
<thead><tr><th scope="col" class="number">ID</th><th scope="col">Time</th><th scope="col">Key</th><th scope="col">Value</th><th scope="col" class="number">Version</th><th scope="col">Changes</th><th scope="col">Content</th></tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr><td class="number">${row.id}</td><td>${clockTime(row.atUnixMs)}</td><td class="mono">${row.key}</td><td>${byteSize(row.bytes)} ${row.codec}</td><td class="number">${row.version === 0 ? 'no change' : row.version}</td><td class="mono">${row.changes.join(', ')}</td><td><a href="?viewMsg=${row.id}&amp;format=json">json</a> <a href="?viewMsg=${row.id}&amp;format=json-pretty">json-pretty</a> <a href="?viewMsg=${row.id}&amp;format=struct">struct</a></td></tr>
`,
)}</tbody></table></div>`;
}
