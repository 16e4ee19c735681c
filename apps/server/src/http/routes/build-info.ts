import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';
import { sendJson } from '../page.ts';

/** `/api/v1/status/buildinfo`, in the shape that Prometheus and the Grafana products answer with. */
export function buildInfoRoutes(app: FastifyInstance, context: HttpContext): void {
  const { version, revision, branch, nodeVersion } = context.build;
  const data = {
    application: 'ml-server',
    version,
    revision,
    branch,
    buildUser: '',
    buildDate: '',
    goVersion: '',
    nodeVersion,
  };
  app.get('/api/v1/status/buildinfo', async (_request, reply) => {
    await sendJson(reply, { status: 'success', data });
  });
}
