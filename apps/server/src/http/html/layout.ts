import { createHash } from 'node:crypto';
import { type Html, type HtmlValue, html, raw } from './html.ts';

const STYLE = `
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#59636e;--line:#d1d9e0;--stripe:#f6f8fa;--link:#0550ae;
--good:#1a7f37;--busy:#7d4e00;--bad:#b3141d;--idle:#59636e}
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--soft:#9198a1;--line:#30363d;--stripe:#151b23;--link:#79b8ff;
--good:#56d364;--busy:#e3b341;--bad:#ff7b72;--idle:#9198a1}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg)}
header,main,footer{max-width:84rem;margin:0 auto;padding:0 1rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline;padding-top:.75rem;padding-bottom:.75rem;border-bottom:1px solid var(--line)}
header strong{margin-right:.5rem}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:var(--link)}
nav a[aria-current]{color:inherit;text-decoration:none;font-weight:600}
h1{font-size:1.5rem;margin:1.25rem 0 .25rem}
h2{font-size:1.15rem;margin:1.75rem 0 .5rem}
.soft{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;white-space:nowrap}
tbody tr:nth-child(odd){background:var(--stripe)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
code,.mono{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.state{font-weight:600;white-space:nowrap}
.state::before{content:"●";margin-right:.35em}
.good{color:var(--good)}.busy{color:var(--busy)}.bad{color:var(--bad)}.idle{color:var(--idle)}
.bad::before{content:"▲"}.busy::before{content:"◆"}.idle::before{content:"○"}
button{font:inherit;padding:.1rem .6rem;border:1px solid var(--line);border-radius:.35rem;background:var(--bg);color:var(--fg);cursor:pointer}
button:hover{border-color:var(--bad);color:var(--bad)}
button:focus-visible,a:focus-visible,input:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.ring{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:center;margin:1rem 0}
.ring>svg{width:15rem;height:15rem;flex:none}
.ring ul{list-style:none;margin:0;padding:0;columns:14rem}
.swatch{width:.8em;height:.8em;margin-right:.45em;vertical-align:-.05em}
.error{border-left:4px solid var(--bad);padding:.25rem .75rem}
footer{color:var(--soft);padding-top:1.5rem;padding-bottom:2rem}
label{white-space:nowrap}
`;

/**
 * Replaces <main> by a fresh copy of the page every two seconds, unless the tab is hidden, the reader paused it, has
 * selected text or is about to press something in it. Without scripts the page is complete, only still.
 */
const SCRIPT = `
(() => {
  const box = document.getElementById('refresh');
  box.hidden = false;
  const input = box.querySelector('input');
  const said = box.querySelector('span');
  const busy = () => document.hidden || !input.checked || String(getSelection()) !== '' ||
    document.querySelector('main').contains(document.activeElement);
  const tick = async () => {
    if (!busy()) {
      try {
        const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
        if (!answer.ok) throw new Error('HTTP ' + answer.status);
        const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
        if (next && !busy()) document.querySelector('main').replaceWith(next);
        said.textContent = '';
      } catch (error) {
        said.textContent = ' – no answer from the node';
      }
    }
    setTimeout(tick, 2000);
  };
  setTimeout(tick, 2000);
})();
`;

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Sent with every page: nothing but this page's own style and script, and forms to this node only. */
export const CONTENT_SECURITY_POLICY: string = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** One link of the head line. */
export interface NavLink {
  readonly href: string;
  readonly text: string;
}

/** One page. */
export interface Page {
  readonly title: string;
  readonly links: readonly NavLink[];
  /** The path that is shown, to mark its link. */
  readonly path: string;
  readonly body: HtmlValue;
  /** Whether the page shows what changes by itself. */
  readonly live: boolean;
}

/** A whole document round a page's body. */
export function layout(page: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${page.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header><strong>ml-server</strong><nav aria-label="Pages">${page.links.map((link) =>
    link.href === page.path
      ? html`<a href="${link.href}" aria-current="page">${link.text}</a>`
      : html`<a href="${link.href}">${link.text}</a>`,
  )}</nav>${
    page.live &&
    html`<label id="refresh" hidden><input type="checkbox" checked> refresh every 2 s<span role="status"></span></label>`
  }</header>
<main>
<h1>${page.title}</h1>
${page.body}
</main>
${page.live && html`<script>${raw(SCRIPT)}</script>`}
</body>
</html>
`;
}
