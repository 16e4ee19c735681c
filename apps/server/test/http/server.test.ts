import { gunzipSync } from 'node:zlib';
import { silentLogger } from '@ml/runtime';
import { renderDefaultYaml, renderYaml } from '@ml/runtime/config';
import type { FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { serverConfig } from '../../src/config.ts';
import { httpServer } from '../../src/http/server.ts';
import { SimCluster, type SimNode } from '../support/cluster.ts';

const host = 'node.test:4040';

function pagesOf({ node, config }: SimNode, cluster: SimCluster): FastifyInstance {
  return httpServer({
    clock: cluster.runtime.clock,
    log: silentLogger,
    node,
    metrics: async () => ({ contentType: 'text/plain', body: '# metrics\n'.repeat(200) }),
    config: (view) =>
      view === 'defaults'
        ? renderDefaultYaml(serverConfig)
        : renderYaml(serverConfig, config, { show: view === 'diff' ? 'changed' : 'all' }),
    build: { version: '1.2.3', revision: 'abc', branch: 'main', nodeVersion: 'v20' },
  });
}

/** Pages of a running node `a` beside a node `b<script>`. */
async function withPages(
  use: (app: FastifyInstance, cluster: SimCluster) => Promise<void>,
): Promise<void> {
  await using cluster = new SimCluster();
  const kv = { messageHistoryBufferBytes: 100_000 };
  const first = cluster.add('a', { config: { memberlist: { kv } } });
  cluster.add('b<script>');
  await cluster.start();
  await cluster.runtime.runFor(10_000);
  await use(pagesOf(first, cluster), cluster);
}

const json = { accept: 'application/json' };

describe('/ready', () => {
  test('is 503 with the stage that is missing, then 200', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a');
    const app = pagesOf(lone, cluster);
    const before = await app.inject('/ready');
    expect(before.statusCode).toBe(503);
    expect(before.body).toBe('not ready, stage start: the node has not been started\n');
    await cluster.start(30_000);
    const after = await app.inject('/ready');
    expect([after.statusCode, after.body]).toEqual([200, 'ready\n']);
  });

  test('is not what /-/healthy says', async () => {
    await using cluster = new SimCluster();
    const app = pagesOf(cluster.add('a'), cluster);
    expect((await app.inject('/-/healthy')).statusCode).toBe(200);
    expect((await app.inject('/-/ready')).statusCode).toBe(503);
  });
});

describe('/ring', () => {
  test('answers JSON in the shape of the reference', async () => {
    await withPages(async (app) => {
      const answer = await app.inject({ url: '/ring', headers: json });
      expect(answer.headers['content-type']).toBe('application/json');
      const { shards, now } = answer.json();
      expect(now).toMatch(/^\d{4}-\d\d-\d\dT/);
      expect(shards).toHaveLength(2);
      expect(Object.keys(shards[0])).toEqual([
        'id',
        'state',
        'address',
        'timestamp',
        'registered_timestamp',
        'read_only',
        'read_only_updated_timestamp',
        'zone',
        'tokens',
      ]);
      expect(shards[0].tokens).toHaveLength(128);
    });
  });

  test('shows a page without external parts, every name escaped', async () => {
    await withPages(async (app) => {
      const { body, headers } = await app.inject('/ring');
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(body).toContain('b&#60;script&#62;');
      expect(body).not.toContain('b<script>');
      expect(body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
      expect(body).toContain('<svg');
    });
  });

  test.each([['/ring/ml'], ['/ring/ml-ring'], ['/ml/ring']])('is also at %s', async (url) => {
    await withPages(async (app) => {
      expect((await app.inject({ url, headers: json })).json().shards).toHaveLength(2);
    });
  });

  test('of an observer is the first ring that it observes', async () => {
    await using cluster = new SimCluster();
    cluster.add('a', { config: { ring: { key: 'other' } } });
    const watcher = cluster.add('watcher', {
      config: { ring: { mode: 'observer', observe: ['collectors/other'] } },
    });
    await cluster.start();
    const app = pagesOf(watcher, cluster);
    for (const url of ['/ring', '/ring/other', '/ring/collectors%2Fother']) {
      const { shards } = (await app.inject({ url, headers: json })).json();
      expect(shards.map(({ id }: { id: string }) => id)).toEqual(['a']);
    }
  });

  test('names the rings there are when asked for another', async () => {
    await withPages(async (app) => {
      const answer = await app.inject('/ring/distributor');
      expect(answer.statusCode).toBe(404);
      expect(answer.body).toContain('there are: ml');
    });
  });

  test('forgets an instance on POST and leads back to the page', async () => {
    await withPages(async (app) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/ring',
        headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams({ forget: 'b<script>' }).toString(),
      });
      expect([answer.statusCode, answer.headers.location, answer.body]).toEqual([302, '#', '']);
      const { shards } = (await app.inject({ url: '/ring', headers: json })).json();
      expect(shards.map(({ id }: { id: string }) => id)).toEqual(['a']);
    });
  });

  test('takes the instance to forget from the query too', async () => {
    await withPages(async (app) => {
      const url = `/ring?forget=${encodeURIComponent('b<script>')}`;
      expect((await app.inject({ method: 'POST', url, headers: { host } })).statusCode).toBe(302);
    });
  });

  test('answers 404 with like names at once for an unknown instance', async () => {
    await withPages(async (app) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/ring?forget=b%3Cscrip',
        headers: { host },
      });
      expect(answer.statusCode).toBe(404);
      expect(answer.body).toContain('b<script>');
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    });
  });

  test('asks for a name when none is posted', async () => {
    await withPages(async (app) => {
      expect(
        (await app.inject({ method: 'POST', url: '/ring', headers: { host } })).statusCode,
      ).toBe(400);
    });
  });

  test('lets no page of another origin forget', async () => {
    await withPages(async (app) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/ring?forget=a',
        headers: { host, origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' },
      });
      expect(answer.statusCode).toBe(403);
      expect((await app.inject({ url: '/ring', headers: json })).json().shards).toHaveLength(2);
    });
  });

  test('lists tokens when asked', async () => {
    await withPages(async (app) => {
      expect((await app.inject('/ring?tokens=true')).body).toContain('Hide tokens');
    });
  });

  test('says that nothing can be changed before the node runs', async () => {
    await using cluster = new SimCluster();
    const app = pagesOf(cluster.add('a'), cluster);
    const answer = await app.inject({ method: 'POST', url: '/ring?forget=a', headers: { host } });
    expect(answer.statusCode).toBe(503);
    expect((await app.inject({ url: '/ring', headers: json })).json().shards).toBeNull();
  });
});

describe('/memberlist', () => {
  test('answers JSON in the shape of the reference', async () => {
    await withPages(async (app) => {
      const body = (await app.inject({ url: '/memberlist', headers: json })).json();
      expect(Object.keys(body)).toEqual([
        'Now',
        'Memberlist',
        'SortedMembers',
        'Store',
        'MessageHistoryBufferBytes',
        'SentMessages',
        'ReceivedMessages',
      ]);
      expect(body.SortedMembers[0]).toEqual({
        Name: 'a',
        Addr: '10.0.0.1',
        Port: 7946,
        Meta: null,
        State: 0,
        PMin: 1,
        PMax: 5,
        PCur: 2,
        DMin: 0,
        DMax: 0,
        DCur: 0,
      });
      expect(body.Store['collectors/ml-ring']).toMatchObject({
        CodecID: 'ringDesc',
        Deleted: false,
        UpdateTime: '0001-01-01T00:00:00Z',
      });
      expect(Object.keys(body.SentMessages[0])).toEqual([
        'ID',
        'Time',
        'Size',
        'Pair',
        'Version',
        'Changes',
      ]);
    });
  });

  test('shows members, keys and messages', async () => {
    await withPages(async (app) => {
      const { body } = await app.inject('/memberlist');
      expect(body).toContain('b&#60;script&#62;');
      expect(body).toContain('collectors/ml-ring');
      expect(body).toContain('viewKey=collectors%2Fml-ring&amp;format=json-pretty');
      expect(body).toContain('Delete all messages');
    });
  });

  test('shows one value as JSON, pretty JSON and for reading', async () => {
    await withPages(async (app) => {
      const at = async (format: string) =>
        (await app.inject(`/memberlist?viewKey=collectors%2Fml-ring&format=${format}`)).body;
      const value = JSON.parse(await at('json'));
      expect(value.ingesters.a).toMatchObject({ addr: '10.0.0.1:4040', id: 'a' });
      expect(JSON.parse(await at('json-pretty'))).toEqual(value);
      expect(await at('json-pretty')).toContain('\n    "ingesters"');
      expect(await at('struct')).toContain("addr: '10.0.0.1:4040'");
    });
  });

  test('hands out the encoded value of a key', async () => {
    await withPages(async (app, cluster) => {
      const answer = await app.inject('/memberlist?downloadKey=collectors%2Fml-ring');
      const entry = cluster.nodes[0]?.node.kv.entry('collectors/ml-ring');
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(answer.headers['content-disposition']).toBe(
        `attachment; filename="${entry?.version}-collectors%2Fml-ring"`,
      );
      expect(Buffer.compare(answer.rawPayload, entry?.encode() ?? Buffer.alloc(0))).toBe(0);
    });
  });

  test.each([
    ['viewKey=nothing', 404],
    ['downloadKey=nothing', 404],
    ['viewMsg=x', 400],
    ['viewMsg=-1', 400],
    ['viewMsg=999999999', 404],
    ['deleteMessages=true', 405],
  ])('answers ?%s with %d', async (query, status) => {
    await withPages(async (app) => {
      expect((await app.inject(`/memberlist?${query}`)).statusCode).toBe(status);
    });
  });

  test('shows one message', async () => {
    await withPages(async (app) => {
      const { SentMessages } = (await app.inject({ url: '/memberlist', headers: json })).json();
      const answer = await app.inject(`/memberlist?viewMsg=${SentMessages[0].ID}&format=json`);
      expect(Object.keys(JSON.parse(answer.body))).toEqual(['ingesters']);
    });
  });

  test('deletes messages on POST', async () => {
    await withPages(async (app) => {
      const url = '/memberlist?deleteMessages=true';
      const answer = await app.inject({ method: 'POST', url, headers: { host } });
      expect([answer.statusCode, answer.headers.location]).toEqual([
        302,
        '/memberlist?deleteMessages=false',
      ]);
      const body = (await app.inject({ url: '/memberlist', headers: json })).json();
      expect([body.SentMessages, body.ReceivedMessages]).toEqual([null, null]);
    });
  });
});

describe('the other pages', () => {
  test.each([['/'], ['/admin'], ['/services'], ['/config'], ['/metrics']])(
    '%s is there',
    async (url) => {
      await withPages(async (app) => {
        expect((await app.inject(url)).statusCode).toBe(200);
      });
    },
  );

  test('configuration comes whole, as difference and as defaults', async () => {
    await withPages(async (app) => {
      const text = async (url: string) => (await app.inject(url)).body;
      expect(await text('/config')).toContain('gossip_interval: 200ms');
      expect(await text('/config?mode=diff')).not.toContain('gossip_interval');
      expect(await text('/config?mode=diff')).toContain('node_name: a');
      expect(await text('/config?mode=defaults')).toContain('node_name: ""');
      expect(await text('/api/v1/status/config/diff')).toBe(await text('/config?mode=diff'));
      expect(await text('/api/v1/status/config/default')).toBe(await text('/config?mode=defaults'));
      expect((await app.inject('/config?mode=x')).statusCode).toBe(400);
    });
  });

  test('the build describes itself', async () => {
    await withPages(async (app) => {
      expect((await app.inject('/api/v1/status/buildinfo')).json()).toMatchObject({
        status: 'success',
        data: { version: '1.2.3', revision: 'abc' },
      });
    });
  });

  test('an unknown path is 404 and is not taken for HTML', async () => {
    await withPages(async (app) => {
      const answer = await app.inject('/<script>');
      expect(answer.statusCode).toBe(404);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    });
  });

  test('large answers are compressed for those who take it', async () => {
    await withPages(async (app) => {
      const headers = { 'accept-encoding': 'gzip' };
      const packed = await app.inject({ url: '/metrics', headers });
      expect(packed.headers['content-encoding']).toBe('gzip');
      const plain = await app.inject('/metrics');
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.body);
    });
  });

  test('a body beyond the limit is refused', async () => {
    await withPages(async (app) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/ring',
        headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
        payload: `forget=${'x'.repeat(100_000)}`,
      });
      expect(answer.statusCode).toBe(413);
    });
  });
});
