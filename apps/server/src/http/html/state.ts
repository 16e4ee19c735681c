import { type Html, html } from './html.ts';

const TONES: ReadonlyMap<string, string> = new Map([
  ['ACTIVE', 'good'],
  ['JOINING', 'busy'],
  ['PENDING', 'busy'],
  ['LEAVING', 'busy'],
  ['UNHEALTHY', 'bad'],
  ['LEFT', 'idle'],
  ['alive', 'good'],
  ['suspect', 'busy'],
  ['dead', 'bad'],
  ['left', 'idle'],
]);

/** A state in words, with a mark and a colour: never by colour alone. */
export function stateCell(state: string): Html {
  return html`<span class="state ${TONES.get(state) ?? 'idle'}">${state}</span>`;
}
