import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';

/** `/metrics` for Prometheus. */
export function metricsRoutes(app: FastifyInstance, context: HttpContext): void {
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await context.metrics();
    await reply.type(contentType).send(body);
  });
}
