import {
  forgetInstance,
  type InstanceStatus,
  instanceStatuses,
  RingDesc,
  ringCodec,
  ringStatus,
  UnknownInstanceError,
} from '@ml/ring';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { NodeRing } from '../../node.ts';
import type { HttpContext } from '../context.ts';
import { parameter } from '../form.ts';
import { html } from '../html/html.ts';
import { type RingViewRow, ringView } from '../html/ring-view.ts';
import { wantsJson } from '../negotiate.ts';
import { sendJson, sendPage, sendText } from '../page.ts';

/**
 * `/ring` for this node's ring, `/ring/<name>` for any ring that the store holds; `/ingester/ring` and the like are
 * aliases. GET shows, POST of `forget` removes an instance. S-12 S-13 S-14 S-33
 */
export function ringRoutes(app: FastifyInstance, context: HttpContext): void {
  app.get(
    '/ring',
    async (request, reply) => await show(context, context.node.ownRing, request, reply),
  );
  app.post(
    '/ring',
    async (request, reply) => await forget(context, context.node.ownRing, request, reply),
  );
  for (const path of ['/ring/:name', '/:name/ring']) {
    app.get<{ Params: { readonly name: string } }>(path, async (request, reply) => {
      const ring = find(context, request.params.name);
      if (ring === undefined) return await unknown(context, request.params.name, reply);
      return await show(context, ring, request, reply);
    });
    app.post<{ Params: { readonly name: string } }>(path, async (request, reply) => {
      const ring = find(context, request.params.name);
      if (ring === undefined) return await unknown(context, request.params.name, reply);
      return await forget(context, ring, request, reply);
    });
  }
}

function find(context: HttpContext, name: string): NodeRing | undefined {
  return context.node.rings().find((ring) => ring.name === name || ring.aliases.includes(name));
}

async function unknown(context: HttpContext, name: string, reply: FastifyReply): Promise<void> {
  const names = context.node.rings().map((ring) => ring.name);
  await sendText(reply, 404, `no ring ${JSON.stringify(name)}; there are: ${names.join(', ')}`);
}

/** The ring as the store holds it, without tombstones; an empty one before anything was heard of it. */
function descOf(context: HttpContext, ring: NodeRing): RingDesc {
  const value = context.node.kv.entry(ring.key)?.value;
  return value instanceof RingDesc ? value.removeTombstones(undefined).value : RingDesc.empty;
}

async function show(
  context: HttpContext,
  ring: NodeRing,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const desc = descOf(context, ring);
  const nowUnixMs = context.clock.unixMs();
  const { heartbeatTimeoutMs } = ring;
  if (wantsJson(request.headers.accept)) {
    return await sendJson(reply, ringStatus(desc, { nowUnixMs, heartbeatTimeoutMs }));
  }
  const rows = instanceStatuses(desc, { nowUnixMs, heartbeatTimeoutMs }).map(rowOf);
  const showTokens = parameter(request, 'tokens') === 'true';
  const { name, key } = ring;
  const others = context.node.rings().filter((other) => other.key !== ring.key);
  const body = [
    ringView({ name, key, nowUnixMs, rows, showTokens }),
    others.length > 0 &&
      html`<p>Other rings: ${others.map((other) => html`<a href="/ring/${encodeURIComponent(other.name)}">${other.name}</a> `)}</p>`,
  ];
  await sendPage(request, reply, { title: 'Ring status', body, live: true });
}

function rowOf(status: InstanceStatus): RingViewRow {
  const { instance, state, ownershipPercent } = status;
  const knownTime = (unixS: number) => (unixS > 0 ? unixS * 1000 : undefined);
  return {
    id: instance.id,
    state,
    address: instance.addr,
    zone: instance.zone,
    heartbeatUnixMs: instance.heartbeatUnixS * 1000,
    registeredUnixMs: knownTime(instance.registeredUnixS),
    readOnly: instance.readOnly,
    readOnlyUpdatedUnixMs: knownTime(instance.readOnlyUpdatedUnixS),
    tokens: Array.from(instance.tokens),
    ownership: ownershipPercent / 100,
  };
}

async function forget(
  context: HttpContext,
  ring: NodeRing,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const id = parameter(request, 'forget') ?? '';
  if (id === '') return await sendText(reply, 400, 'no instance named: post forget=<instance id>');
  const { kv } = context.node;
  if (kv.state.type !== 'running') {
    return await sendText(reply, 503, `the store is ${kv.state.type}: nothing can be changed now`);
  }
  try {
    await forgetInstance(kv.client(ringCodec), ring.key, id);
  } catch (error) {
    if (error instanceof UnknownInstanceError) return await sendText(reply, 404, error.message);
    throw error;
  }
  context.log.info({ ring: ring.name, instance: id, remote: request.ip }, 'instance forgotten');
  await reply.code(302).header('location', '#').send('');
}
