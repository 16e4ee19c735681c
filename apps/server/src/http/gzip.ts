import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { takesGzip } from './negotiate.ts';

/** Answers below it are not worth compressing, in bytes. */
const MIN_BYTES = 1024;

const compress = promisify(gzip);

/** Compresses text answers for clients that take gzip. */
export function compressAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const text = typeof payload === 'string' ? payload : undefined;
    if (text === undefined || Buffer.byteLength(text) < MIN_BYTES) return payload;
    reply.header('vary', 'Accept-Encoding, Accept');
    if (!takesGzip(request.headers['accept-encoding'])) return payload;
    reply.header('content-encoding', 'gzip');
    reply.removeHeader('content-length');
    return await compress(text);
  });
}
