import { expect, describe as group, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import {
  bool,
  bytes,
  defaultsOf,
  describe,
  durationMs,
  float,
  int,
  jsonSchema,
  loadConfig,
  mount,
  oneOf,
  option,
  renderDefaultYaml,
  renderHelp,
  renderReference,
  renderYaml,
  resolveConfig,
  type Section,
  secret,
  section,
  string,
  stringList,
} from '../../src/config/index.ts';

const tls = section({
  enabled: option(bool(), { flag: 'tls-enabled', default: false, help: 'Use TLS.' }),
  minVersion: option(oneOf('', 'VersionTLS12', 'VersionTLS13'), {
    flag: 'tls-min-version',
    default: '',
    category: 'advanced',
    help: 'Lowest version.',
  }),
});

const sample = section({
  pushPullIntervalMs: option(durationMs(), {
    flag: 'memberlist.pullpush-interval',
    default: '5m',
    help: 'Period of the full exchange.',
  }),
  join: option(stringList(), {
    flag: 'memberlist.join',
    yaml: 'join_members',
    default: [],
    help: 'Members to join | seeds.',
  }),
  names: option(z.array(z.string()), { flag: 'names', default: ['eth0', 'en0'], help: 'Names.' }),
  historyBytes: option(bytes(), { flag: 'history', default: 65_536, help: 'History.' }),
  rate: option(float(), { flag: 'rate', default: 1.5, category: 'experimental', help: 'Rate.' }),
  name: option(string(), {
    flag: 'nodename',
    yaml: 'node_name',
    default: '',
    defaultText: '<hostname>',
    help: 'Name.',
  }),
  token: option(secret(), { flag: 'token', default: '', help: 'Token.' }),
  file: option(string(), { flag: 'config.file', yaml: false, default: '', help: 'File.' }),
  algorithm: option(z.enum(['lzw', 'snappy']), { flag: false, default: 'lzw', help: 'Kind.' }),
  tls: mount(tls, { prefix: 'memberlist.', yaml: 'tls' }),
  port: option(z.int().min(1).max(9), { flag: 'port', default: 7, help: 'Port.' }),
});

group('describe', () => {
  test('gives flag, YAML path, type word, default, category and help of every option', () => {
    const rows = describe(sample).map(
      ({ flag, yamlPath, type, default: value, category }) =>
        `${flag} ${yamlPath} ${type} ${JSON.stringify(value)} ${category}`,
    );
    expect(rows).toEqual([
      'memberlist.pullpush-interval push_pull_interval duration "5m" basic',
      'memberlist.join join_members list of strings "[]" basic',
      'names names list of strings "[eth0,en0]" basic',
      'history history int "65536" basic',
      'rate rate float "1.5" experimental',
      'nodename node_name string "<hostname>" basic',
      'token token string "" basic',
      'config.file undefined string "" basic',
      'undefined algorithm string "lzw" basic',
      'memberlist.tls-enabled tls.enabled boolean "false" basic',
      'memberlist.tls-min-version tls.min_version string "" advanced',
      'port port int "7" basic',
    ]);
  });
});

group('renderHelp', () => {
  test('shows basic options only, sorted, with Go’s layout and defaults', () => {
    expect(renderHelp(sample, { all: false })).toBe(
      [
        '  -config.file string\n    \tFile.\n',
        '  -history int\n    \tHistory. (default 65536)\n',
        '  -memberlist.join value\n    \tMembers to join | seeds.\n',
        '  -memberlist.pullpush-interval duration\n    \tPeriod of the full exchange. (default 5m0s)\n',
        '  -memberlist.tls-enabled\n    \tUse TLS.\n',
        '  -names value\n    \tNames. (default [eth0,en0])\n',
        '  -nodename string\n    \tName. (default <hostname>)\n',
        '  -port int\n    \tPort. (default 7)\n',
        '  -token string\n    \tToken.\n',
      ].join(''),
    );
  });

  test('with all adds the others and tags what is experimental', () => {
    const help = renderHelp(sample, { all: true });
    expect(help).toContain('  -rate float\n    \t[experimental] Rate. (default 1.5)\n');
    expect(help).toContain('  -memberlist.tls-min-version string\n    \tLowest version.\n');
  });
});

group('renderReference', () => {
  test('has a table for each YAML block, with bars escaped', () => {
    const page = renderReference(sample);
    expect(page).toContain('## Top level\n');
    expect(page).toContain('## Flags only\n');
    expect(page).toContain(
      '## `tls`\n\n| flag | YAML | type | default | category | meaning |\n|---|---|---|---|---|---|\n' +
        '| `-memberlist.tls-enabled` | `enabled` | boolean | `false` | basic | Use TLS. |\n',
    );
    expect(page).toContain('Members to join \\| seeds.');
  });
});

group('renderYaml', () => {
  test('writes what loads as the same configuration, without the flag-only options', () => {
    const config = loadConfig(sample, {
      argv: ['-memberlist.join=a', '-memberlist.tls-enabled', '-history=1KiB', '-config.file=x'],
      yaml: 'algorithm: snappy\npush_pull_interval: 1h30m\n',
    });
    const text = renderYaml(sample, config);
    expect(text).not.toContain('x');
    expect(loadConfig(sample, { yaml: text })).toEqual({ ...config, file: '' });
    expect(parse(text)).toMatchObject({ push_pull_interval: '1h30m0s', join_members: ['a'] });
  });

  test('hides secrets, and shows that there is none', () => {
    const config = resolveConfig(sample, { token: 'hunter2' });
    const text = renderYaml(sample, config);
    expect(text).toContain('token: "********"');
    expect(text).not.toContain('hunter2');
    expect(renderDefaultYaml(sample)).toContain('token: ""');
  });

  test('can show only what differs from the defaults', () => {
    const config = resolveConfig(sample, { tls: { enabled: true }, port: 3 });
    expect(renderYaml(sample, config, { show: 'changed' })).toBe(
      'tls:\n  enabled: true\nport: 3\n',
    );
    expect(renderYaml(sample, defaultsOf(sample), { show: 'changed' })).toBe('');
  });
});

group('jsonSchema', () => {
  test('describes the YAML form: closed objects, defaults, words and bounds', () => {
    expect(jsonSchema(sample)).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        push_pull_interval: {
          default: '5m0s',
          description: 'Period of the full exchange. (basic)',
        },
        algorithm: { type: 'string', enum: ['lzw', 'snappy'], default: 'lzw' },
        port: { type: 'integer', minimum: 1, maximum: 9 },
        tls: { type: 'object', additionalProperties: false, properties: { enabled: {} } },
      },
    });
    expect(JSON.stringify(jsonSchema(sample))).not.toContain('config.file');
  });
});

group('zod schemas as options', () => {
  const read = (of: Section, argv: readonly string[]): unknown => loadConfig(of, { argv });

  test('strings, enums, numbers, booleans and arrays of strings read their flags', () => {
    const schemas = section({
      text: option(z.string().regex(/^a/), { flag: 'text', default: 'a', help: 'h' }),
      word: option(z.enum(['x', 'y']), { flag: 'word', default: 'x', help: 'h' }),
      count: option(z.int(), { flag: 'count', default: 1, help: 'h' }),
      ratio: option(z.number().max(1), { flag: 'ratio', default: 0.5, help: 'h' }),
      on: option(z.boolean(), { flag: 'on', default: false, help: 'h' }),
      list: option(z.array(z.string()), { flag: 'list', default: [], help: 'h' }),
    });
    const argv = ['-text=ab', '-word=y', '-count=-3', '-ratio=.25', '-on', '-list=1', '-list=2'];
    expect(read(schemas, argv)).toEqual({
      text: 'ab',
      word: 'y',
      count: -3,
      ratio: 0.25,
      on: true,
      list: ['1', '2'],
    });
    for (const wrong of ['-text=b', '-word=z', '-count=1.5', '-ratio=2', '-on=maybe']) {
      expect(() => read(schemas, [wrong])).toThrow(/is not/);
    }
  });

  test('other schemas are a programming error', () => {
    expect(() => option(z.date(), { flag: 'x', default: 'x', help: 'h' })).toThrow(
      /declare a Value/,
    );
  });
});

group('kinds of values', () => {
  const load = (flag: string): unknown =>
    loadConfig(
      section({
        bytes: option(bytes({ max: 2 ** 30 }), { flag: 'bytes', default: 0, help: 'h' }),
        int: option(int(), { flag: 'int', default: 0, help: 'h' }),
        float: option(float(), { flag: 'float', default: 0, help: 'h' }),
        list: option(stringList({ splitCommas: true }), { flag: 'list', default: [], help: 'h' }),
      }),
      { argv: [flag] },
    );

  test.each([
    ['-bytes=64KiB', { bytes: 65_536 }],
    ['-bytes=1 MB', { bytes: 1_000_000 }],
    ['-bytes=12', { bytes: 12 }],
    ['-int=0x1f', { int: 31 }],
    ['-int=-0x1f', { int: -31 }],
    ['-int=+7', { int: 7 }],
    ['-float=1e-3', { float: 0.001 }],
    ['-list=a, b,,c', { list: ['a', 'b', 'c'] }],
  ])('%s is read', (flag, expected) => {
    expect(load(flag)).toMatchObject(expected);
  });

  test.each([
    '-bytes=-1',
    '-bytes=1XB',
    '-bytes=2GiB',
    '-bytes=1.5',
    '-int=',
    '-int=1_000',
    '-int=99999999999999999999',
    '-float=NaN',
    '-float=Inf',
    '-float=',
  ])('%s is refused', (flag) => {
    expect(() => load(flag)).toThrow(/is not/);
  });
});
