import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Largest form body, in bytes. */
export const MAX_FORM_BYTES = 65_536;

/** Lets a server read HTML forms. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  );
}

/** A parameter from the query or, for a form, from its body; the query wins. `undefined`: not given. */
export function parameter(request: FastifyRequest, name: string): string | undefined {
  const query = new URL(request.url, 'http://node').searchParams.get(name);
  if (query !== null) return query;
  const { body } = request;
  return body instanceof URLSearchParams ? (body.get(name) ?? undefined) : undefined;
}
