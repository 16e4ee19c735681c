import { type FastifyInstance, fastify } from 'fastify';
import { errorText } from '../log/logfmt.ts';
import type { HttpContext } from './context.ts';
import { acceptForms, MAX_FORM_BYTES } from './form.ts';
import { compressAnswers } from './gzip.ts';
import { crossOriginReason } from './origin.ts';
import { sendText } from './page.ts';
import { buildInfoRoutes } from './routes/build-info.ts';
import { configRoutes } from './routes/config.ts';
import { indexRoutes } from './routes/index-page.ts';
import { memberlistRoutes } from './routes/memberlist.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { readyRoutes } from './routes/ready.ts';
import { ringRoutes } from './routes/ring.ts';
import { servicesRoutes } from './routes/services.ts';

/** Longest wait for a whole request, in milliseconds. As -server.http-read-timeout in dskit. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP side of a process: every page and API of a node, not listening yet. */
export function httpServer(context: HttpContext): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_FORM_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: 120_000,
    forceCloseConnections: true,
    logger: false,
    routerOptions: { ignoreTrailingSlash: true },
  });
  acceptForms(app);
  compressAnswers(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const reason = crossOriginReason(request.headers);
    if (reason !== undefined) await sendText(reply, 403, reason);
  });
  app.setNotFoundHandler(async (request, reply) => {
    await sendText(
      reply,
      404,
      `there is nothing at ${JSON.stringify(request.url.slice(0, 200))}: see /`,
    );
  });
  app.setErrorHandler<Error & { readonly statusCode?: number }>(async (error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      const fields = { method: request.method, path: request.routeOptions.url, err: error };
      context.log.error(fields, 'request failed');
    }
    await sendText(reply, status, errorText(error));
  });
  for (const routes of [
    indexRoutes,
    readyRoutes,
    metricsRoutes,
    memberlistRoutes,
    ringRoutes,
    servicesRoutes,
    configRoutes,
    buildInfoRoutes,
  ]) {
    routes(app, context);
  }
  return app;
}
