import { inspect } from 'node:util';
import type { KvStatus } from '@ml/kv';
import { MlError } from '@ml/runtime';
import { formatAddress } from '@ml/transport';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { HttpContext } from '../context.ts';
import { parameter } from '../form.ts';
import { type MessageRow, memberlistView } from '../html/memberlist-view.ts';
import { memberlistJson } from '../memberlist-json.ts';
import { wantsJson } from '../negotiate.ts';
import { sendJson, sendPage, sendText } from '../page.ts';
import { valueJson } from '../value-json.ts';

/**
 * `/memberlist`: the page, its JSON, and the look into single values and messages, under the reference's parameters.
 * Deleting the kept messages takes a POST here. S-10 S-11 S-35 S-36
 */
export function memberlistRoutes(app: FastifyInstance, context: HttpContext): void {
  const { kv } = context.node;
  app.get('/memberlist', async (request, reply) => {
    const asked = (name: string) => parameter(request, name);
    const format = asked('format') ?? '';
    const downloadKey = asked('downloadKey');
    if (downloadKey !== undefined) return await download(context, downloadKey, reply);
    const key = asked('viewKey');
    if (key !== undefined) return await viewKey(context, { key, format }, reply);
    const id = asked('viewMsg');
    if (id !== undefined) return await viewMessage(context, { id, format }, reply);
    if (asked('deleteMessages') === 'true') {
      return await sendText(reply, 405, 'deleting messages takes a POST of deleteMessages=true');
    }
    if (wantsJson(request.headers.accept))
      return await sendJson(reply, memberlistJson(kv.status()));
    const body = memberlistView(viewOf(kv.status()));
    return await sendPage(request, reply, { title: 'Memberlist', body, live: true });
  });
  app.post('/memberlist', async (request, reply) => {
    if (parameter(request, 'deleteMessages') !== 'true') {
      return await sendText(
        reply,
        400,
        'nothing to do: only deleteMessages=true can be posted here',
      );
    }
    kv.clearHistory();
    return await reply.redirect('/memberlist?deleteMessages=false', 302);
  });
}

async function download(context: HttpContext, key: string, reply: FastifyReply): Promise<void> {
  const entry = context.node.kv.entry(key);
  if (entry === undefined) return await sendText(reply, 404, 'value not found');
  const filename = `${entry.version}-${encodeURIComponent(key)}`;
  await reply
    .type('application/octet-stream')
    .header('content-disposition', `attachment; filename="${filename}"`)
    .send(Buffer.from(entry.encode()));
}

async function viewKey(
  context: HttpContext,
  asked: { readonly key: string; readonly format: string },
  reply: FastifyReply,
): Promise<void> {
  const entry = context.node.kv.entry(asked.key);
  if (entry === undefined) return await sendText(reply, 404, 'value not found');
  const value = valueJson(entry.value, () => entry.encode());
  await sendText(reply, 200, formatValue(value, asked.format));
}

async function viewMessage(
  context: HttpContext,
  asked: { readonly id: string; readonly format: string },
  reply: FastifyReply,
): Promise<void> {
  if (!/^\d{1,15}$/.test(asked.id)) {
    return await sendText(reply, 400, `${JSON.stringify(asked.id)} is not the number of a message`);
  }
  const view = context.node.kv.message(Number(asked.id));
  if (view === undefined) return await sendText(reply, 404, 'message not found');
  try {
    const value = valueJson(view.decode(), () => view.message.pair.value);
    await sendText(reply, 200, formatValue(value, asked.format));
  } catch (error) {
    if (MlError.is(error, 'ML_KV_CODEC_NOT_REGISTERED')) {
      await sendText(reply, 404, error.message);
    } else throw error;
  }
}

/** As the reference: `json` in one line, `json-pretty` with four spaces, anything else as the language shows values. */
function formatValue(value: unknown, format: string): string {
  if (format === 'json') return JSON.stringify(value);
  if (format === 'json-pretty') return JSON.stringify(value, undefined, 4);
  return inspect(value, { depth: 10, maxArrayLength: 10_000, breakLength: 120 });
}

function viewOf(status: KvStatus): Parameters<typeof memberlistView>[0] {
  const rows = (messages: KvStatus['sentMessages']): MessageRow[] =>
    messages.map((message) => ({
      id: message.id,
      atUnixMs: message.unixMs,
      key: message.pair.key,
      codec: message.pair.codec,
      bytes: message.sizeBytes,
      version: message.version,
      changes: message.changes,
    }));
  return {
    nowUnixMs: status.nowUnixMs,
    self: status.name,
    isolated: status.isolated,
    healthScore: status.healthScore,
    members: status.members.map((member) => ({
      name: member.name,
      address: formatAddress(member.address),
      state: member.state,
    })),
    keys: status.store.map((entry) => ({
      key: entry.key,
      codec: entry.codecId,
      version: entry.version,
      bytes: entry.sizeBytes,
      deleted: entry.deleted,
      updatedUnixMs: entry.updateUnixMs,
    })),
    historyBytes: status.messageHistoryBufferBytes,
    received: rows(status.receivedMessages),
    sent: rows(status.sentMessages),
  };
}
