import type { FastifyInstance } from 'fastify';
import { readinessText } from '../../readiness.ts';
import type { HttpContext } from '../context.ts';
import { sendText } from '../page.ts';

/** `/ready` for load balancers and rollouts, `/-/ready` its alias; `/-/healthy` says only that the process answers. S-8 */
export function readyRoutes(app: FastifyInstance, context: HttpContext): void {
  for (const path of ['/ready', '/-/ready']) {
    app.get(path, async (_request, reply) => {
      const readiness = await context.node.readiness();
      await sendText(reply, readiness.type === 'ready' ? 200 : 503, readinessText(readiness));
    });
  }
  app.get('/-/healthy', async (_request, reply) => await sendText(reply, 200, 'healthy'));
}
