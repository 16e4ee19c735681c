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
    const isText = !String(reply.getHeader('content-type')).startsWith('application/octet-stream');
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (!isText || !(bytes instanceof Uint8Array) || bytes.length < MIN_BYTES) return payload;
    reply.header('vary', 'Accept-Encoding, Accept');
    if (!takesGzip(request.headers['accept-encoding'])) return payload;
    reply.header('content-encoding', 'gzip');
    reply.removeHeader('content-length');
    return await compress(bytes);
  });
}
