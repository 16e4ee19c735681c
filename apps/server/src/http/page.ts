import type { FastifyReply, FastifyRequest } from 'fastify';
import { NAV_LINKS } from './context.ts';
import type { HtmlValue } from './html/html.ts';
import { CONTENT_SECURITY_POLICY, layout } from './html/layout.ts';

/** Sends a whole page. */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { readonly title: string; readonly body: HtmlValue; readonly live?: boolean },
): Promise<void> {
  const path = request.url.replace(/[?#].*$/, '');
  const document = layout({ live: false, ...page, path, links: NAV_LINKS });
  await reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .header('cache-control', 'no-store')
    .send(document.text);
}

/** Sends one plain line. */
export async function sendText(reply: FastifyReply, status: number, text: string): Promise<void> {
  await reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(text.endsWith('\n') ? text : `${text}\n`);
}

/** Sends one line of JSON. As bytes: to text the framework would add a charset, which JSON does not have. */
export async function sendJson(reply: FastifyReply, value: unknown): Promise<void> {
  await reply
    .type('application/json')
    .header('cache-control', 'no-store')
    .send(Buffer.from(`${JSON.stringify(value)}\n`));
}
