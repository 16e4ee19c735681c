import { hashKey, type InstanceDesc, type Ring, Write } from '@ml/ring';
import fastify, { type FastifyInstance } from 'fastify';
import { CounterStore, type Counts } from './counter-store.ts';

interface Key {
  readonly key: string;
}

/** Marks a request that already went through another process, so that it goes no further. */
const FORWARDED = 'x-forwarded-by';
const ANSWER_LIMIT_MS = 1000;

/**
 * The HTTP side of one process. Whoever is asked finds the owner of the counter in the ring and passes the request on;
 * the owner counts and sends its slot to the other replicas before it answers.
 */
export function createApp(self: string, ring: Ring): FastifyInstance {
  const counters = new CounterStore();
  const app = fastify();

  app.post<{ Params: Key }>('/counters/:key', async (request, reply) => {
    const { key } = request.params;
    if (request.headers[FORWARDED] !== undefined) return await count(key);
    for (const owner of replicas(key)) {
      const answer =
        owner.id === self ? await count(key) : await ask(owner, `/counters/${key}`, 'POST');
      if (answer !== undefined) return answer;
    }
    return reply.code(503).send({ error: `no replica of ${key} answers` });
  });

  app.get<{ Params: Key }>('/counters/:key', async (request, reply) => {
    const { key } = request.params;
    if (request.headers[FORWARDED] !== undefined) return { key, total: counters.total(key) };
    const answers = await Promise.all(
      replicas(key).map((replica) =>
        replica.id === self
          ? { total: counters.total(key) }
          : ask(replica, `/counters/${key}`, 'GET'),
      ),
    );
    const totals = answers.flatMap((answer) => (answer === undefined ? [] : [answer.total]));
    if (totals.length === 0) return reply.code(503).send({ error: `no replica of ${key} answers` });
    return { key, total: Math.max(...totals) };
  });

  app.put<{ Params: Key; Body: Counts }>('/replicas/:key', async (request) => {
    counters.merge(request.params.key, request.body);
    return { total: counters.total(request.params.key) };
  });

  function replicas(key: string): readonly InstanceDesc[] {
    return ring.get(hashKey(key), Write).instances;
  }

  async function count(key: string): Promise<{ owner: string; total: number }> {
    const counts = counters.increment(key, self);
    const others = replicas(key).filter(({ id }) => id !== self);
    await Promise.all(others.map((other) => ask(other, `/replicas/${key}`, 'PUT', counts)));
    return { owner: self, total: counters.total(key) };
  }

  async function ask(
    { addr }: InstanceDesc,
    path: string,
    method: string,
    body?: Counts,
  ): Promise<{ readonly total: number } | undefined> {
    try {
      const answer = await fetch(`http://${addr}${path}`, {
        method,
        headers: { [FORWARDED]: self, ...(body && { 'content-type': 'application/json' }) },
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
        ...(body && { body: JSON.stringify(body) }),
      });
      return answer.ok ? JSON.parse(await answer.text()) : undefined;
    } catch (error) {
      app.log.info({ err: error, addr }, 'a replica does not answer');
      return undefined;
    }
  }

  return app;
}
