import type { FastifyInstance } from 'fastify';
import { readinessText } from '../../readiness.ts';
import type { HttpContext } from '../context.ts';
import { html } from '../html/html.ts';
import { sendPage } from '../page.ts';

const LINKS = [
  {
    href: '/ring',
    text: 'Ring',
    about: 'instances of the ring, their states, tokens and ownership',
  },
  {
    href: '/memberlist',
    text: 'Memberlist',
    about: 'members, keys of the replicated store, messages',
  },
  { href: '/services', text: 'Services', about: 'the parts of this node and their states' },
  { href: '/ready', text: 'Ready', about: 'whether this node may get work, and what it waits for' },
  { href: '/metrics', text: 'Metrics', about: 'for Prometheus' },
  { href: '/config', text: 'Configuration', about: 'every option as YAML' },
  {
    href: '/config?mode=diff',
    text: 'Configuration, changed',
    about: 'options that differ from their defaults',
  },
  { href: '/config?mode=defaults', text: 'Configuration, defaults', about: 'every default' },
  { href: '/api/v1/status/buildinfo', text: 'Build', about: 'version and revision as JSON' },
] as const;

/** `/` and `/admin`: what there is to see. */
export function indexRoutes(app: FastifyInstance, context: HttpContext): void {
  for (const path of ['/', '/admin']) {
    app.get(path, async (request, reply) => {
      await sendPage(request, reply, {
        title: context.node.kv.name,
        body: html`<p>${readinessText(await context.node.readiness())}</p>
<ul>${LINKS.map(
          (link) => html`<li><a href="${link.href}">${link.text}</a>: ${link.about}</li>
`,
        )}</ul>`,
      });
    });
  }
}
