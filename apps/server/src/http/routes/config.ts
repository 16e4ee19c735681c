import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ConfigView, HttpContext } from '../context.ts';
import { parameter } from '../form.ts';
import { sendText } from '../page.ts';

/**
 * The configuration as YAML: `/api/v1/status/config` with `/diff` and `/default` as in Pyroscope, and
 * `/config?mode=diff|defaults` as in Mimir and Loki. S-9
 */
export function configRoutes(app: FastifyInstance, context: HttpContext): void {
  const send = async (reply: FastifyReply, view: ConfigView) => {
    await reply
      .type('text/yaml; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(context.config(view));
  };
  app.get('/config', async (request, reply) => {
    const mode = parameter(request, 'mode') ?? '';
    if (mode === '') await send(reply, 'all');
    else if (mode === 'diff' || mode === 'defaults') await send(reply, mode);
    else await sendText(reply, 400, `unknown mode ${JSON.stringify(mode)}: use diff or defaults`);
  });
  app.get('/api/v1/status/config', async (_request, reply) => await send(reply, 'all'));
  app.get('/api/v1/status/config/diff', async (_request, reply) => await send(reply, 'diff'));
  app.get(
    '/api/v1/status/config/default',
    async (_request, reply) => await send(reply, 'defaults'),
  );
}
