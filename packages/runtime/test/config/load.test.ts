import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  bool,
  bytes,
  ConfigError,
  durationMs,
  float,
  int,
  loadConfig,
  mount,
  oneOf,
  option,
  resolveConfig,
  type SectionOf,
  secret,
  section,
  string,
  stringList,
} from '../../src/config/index.ts';

interface Store {
  readonly store: 'memberlist' | 'inmemory';
  readonly token: string;
  readonly rate: number;
}

interface Sample {
  readonly intervalMs: number;
  readonly joinMembers: readonly string[];
  readonly port: number;
  readonly debug: boolean;
  readonly historyBytes: number;
  readonly name: string;
  readonly file: string;
  readonly kv: Store;
  readonly inline: { readonly wait: number };
}

const store: SectionOf<Store> = section(
  {
    store: option(oneOf('memberlist', 'inmemory'), {
      flag: 'store',
      default: 'inmemory',
      help: 'h',
    }),
    token: option(secret(), { flag: 'token', default: '', help: 'h' }),
    rate: option(float({ min: 0 }), { flag: 'rate', default: 1, help: 'h' }),
  },
  (config, report) => {
    if (config.store === 'memberlist' && config.rate === 7) report('rate', 'is not for memberlist');
  },
);

const sample: SectionOf<Sample> = section({
  intervalMs: option(durationMs({ min: 0 }), { flag: 'interval', default: '30s', help: 'h' }),
  joinMembers: option(stringList(), { flag: 'join', default: [], help: 'h' }),
  port: option(int({ min: 0, max: 65_535 }), { flag: 'port', default: 7946, help: 'h' }),
  debug: option(bool(), { flag: 'debug', yaml: false, default: false, help: 'h' }),
  historyBytes: option(bytes(), { flag: 'history', yaml: 'history_bytes', default: 0, help: 'h' }),
  name: option(string(), { flag: 'name', default: 'x', help: 'h' }),
  file: option(string(), { flag: false, default: '', help: 'h' }),
  kv: mount(store, { prefix: 'ring.', yaml: 'kvstore', defaults: { store: 'memberlist' } }),
  inline: mount(
    section({ wait: option(z.int().min(1), { flag: 'wait', default: 3, help: 'h' }) }),
    { prefix: 'inl.' },
  ),
});

const DEFAULTS: Sample = {
  intervalMs: 30_000,
  joinMembers: [],
  port: 7946,
  debug: false,
  historyBytes: 0,
  name: 'x',
  file: '',
  kv: { store: 'memberlist', token: '', rate: 1 },
  inline: { wait: 3 },
};

function faultsOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new TypeError('nothing was refused');
}

describe('precedence', () => {
  test('without sources everything is at its default, those of mounts included', () => {
    expect(loadConfig(sample, {})).toEqual(DEFAULTS);
    expect(resolveConfig(sample)).toEqual(DEFAULTS);
  });

  test('YAML beats defaults, flags beat YAML', () => {
    const config = loadConfig(sample, {
      yaml: 'interval: 1m\nport: 1\nkvstore:\n  store: inmemory\nwait: 9\n',
      argv: ['-port', '2', '-ring.rate=0.5'],
    });
    expect(config).toEqual({
      ...DEFAULTS,
      intervalMs: 60_000,
      port: 2,
      kv: { store: 'inmemory', token: '', rate: 0.5 },
      inline: { wait: 9 },
    });
  });

  test('repeated list flags add to the YAML list; of other flags the last one counts', () => {
    const config = loadConfig(sample, {
      yaml: 'join_members: [a, b]',
      argv: ['-join=c', '-name=1', '-join', 'd', '-name=2'],
    });
    expect(config.joinMembers).toEqual(['a', 'b', 'c', 'd']);
    expect(config.name).toBe('2');
  });
});

describe('flags', () => {
  test('one dash or two, equals sign or next argument', () => {
    const forms = [['-port=5'], ['--port=5'], ['-port', '5'], ['--port', '5']];
    for (const argv of forms) expect(loadConfig(sample, { argv }).port).toBe(5);
  });

  test.each([
    ['-debug', true],
    ['-debug=true', true],
    ['-debug=T', true],
    ['-debug=0', false],
    ['-debug=False', false],
  ])('%s makes a boolean %s', (flag, value) => {
    expect(loadConfig(sample, { argv: [flag] }).debug).toBe(value);
  });

  test('a boolean never takes the next argument, and the message says how to write it', () => {
    const error = faultsOf(() => loadConfig(sample, { argv: ['-debug', 'false'] }));
    expect(error.message).toMatch(/unexpected argument "false"\..* -name=false/);
  });

  test('a value may be empty, may hold equals signs and may start with a dash', () => {
    expect(loadConfig(sample, { argv: ['-name='] }).name).toBe('');
    expect(loadConfig(sample, { argv: ['-name=a=b'] }).name).toBe('a=b');
    expect(loadConfig(sample, { argv: ['-name', '-x'] }).name).toBe('-x');
  });

  test('an unknown flag is named on the first line; -help and its neighbours on the second', () => {
    const error = faultsOf(() => loadConfig(sample, { argv: ['-intervl', '5s', '-port=1'] }));
    const [first, second, ...more] = error.message.split('\n');
    expect(first).toBe('flag provided but not defined: -intervl');
    expect(second).toContain('-help');
    expect(second).toContain('-interval');
    expect(more).toEqual([]);
    expect(error.usage).toBe(true);
  });

  test('a missing value and bad syntax are faults', () => {
    expect(faultsOf(() => loadConfig(sample, { argv: ['-port'] })).message).toBe(
      'flag needs an argument: -port',
    );
    expect(faultsOf(() => loadConfig(sample, { argv: ['---port=1'] })).message).toBe(
      'bad flag syntax: ---port=1',
    );
  });

  test('positional arguments are refused unless the caller takes them', () => {
    const argv = ['-port=1', '--', '-x'];
    expect(faultsOf(() => loadConfig(sample, { argv })).message).toContain('"-x"');
    expect(loadConfig(sample, { argv, allowPositional: true }).port).toBe(1);
  });
});

describe('YAML', () => {
  test('an empty text, a comment and a key without a value leave the defaults', () => {
    for (const yaml of ['', '# nothing\n', 'port:\nkvstore:\n', '---\n']) {
      expect(loadConfig(sample, { yaml })).toEqual(DEFAULTS);
    }
  });

  test('an unknown key is named with its place and the closest key', () => {
    const error = faultsOf(() => loadConfig(sample, { yaml: 'port: 1\nkvstore:\n  stor: x\n' }));
    expect(error.faults).toEqual([
      expect.objectContaining({
        source: 'yaml',
        line: 3,
        column: 3,
        message: 'line 3, column 3: unknown key "stor" in kvstore; did you mean store?',
      }),
    ]);
    expect(error.usage).toBe(false);
  });

  test('flag-only options are unknown keys', () => {
    expect(faultsOf(() => loadConfig(sample, { yaml: 'debug: true' })).message).toContain(
      'unknown key "debug"',
    );
  });

  test.each([
    ['port: abc', /line 1, column 7: -port \(port\) is "abc".*from 0 to 65535/],
    ['port: 70000', /70000/],
    ['port: 1.5', /1\.5/],
    ['interval: 30', /is 30, which is not a duration such as 30s/],
    ['interval: -1s', /at least 0s/],
    ['interval: 30 seconds', /duration/],
    ['join_members: {a: 1}', /a list of texts/],
    ['kvstore: 3', /kvstore is not a block/],
    ['kvstore:\n  store: consul', /line 2.*one of memberlist, inmemory/],
    ['[1, 2]', /not a block/],
    ['wait: 0', /at least 1/],
  ])('%j is refused with its place', (yaml, message) => {
    expect(faultsOf(() => loadConfig(sample, { yaml })).message).toMatch(message);
  });

  test('broken syntax and repeated keys are faults with their line', () => {
    expect(faultsOf(() => loadConfig(sample, { yaml: 'port: 1\nport: 2\n' })).message).toMatch(
      /^line 2, column 1: /,
    );
    expect(faultsOf(() => loadConfig(sample, { yaml: 'port: [1\n' })).message).toMatch(/^line \d/);
  });

  test('numbers and words where text is wanted are taken as they are written', () => {
    expect(loadConfig(sample, { yaml: 'name: 0x10' }).name).toBe('0x10');
    expect(loadConfig(sample, { yaml: 'name: true' }).name).toBe('true');
    expect(loadConfig(sample, { yaml: 'file: 007' }).file).toBe('007');
  });

  test('anchors, aliases and merge keys work; the keys beside a merge win', () => {
    const yaml = 'kvstore: &a\n  rate: 3\n  token: t\n';
    expect(loadConfig(sample, { yaml: `${yaml}` }).kv.rate).toBe(3);
    const merged = 'kvstore:\n  <<: &b {rate: 4, token: q}\n  rate: 5\nname: &n z\nfile: *n\n';
    const config = loadConfig(sample, { yaml: merged });
    expect(config.kv).toEqual({ store: 'memberlist', token: 'q', rate: 5 });
    expect(config.file).toBe('z');
  });

  test('a circle of merge keys is a fault, not an endless loop', () => {
    const error = faultsOf(() => loadConfig(sample, { yaml: 'kvstore: &a\n  <<: *a\n' }));
    expect(error.message).toMatch(/line/);
  });

  test('variables are expanded only when an environment is given', () => {
    const yaml = `name: \${NAME:-fallback}`;
    expect(loadConfig(sample, { yaml }).name).toBe(`\${NAME:-fallback}`);
    expect(loadConfig(sample, { yaml, env: {} }).name).toBe('fallback');
    expect(loadConfig(sample, { yaml, env: { NAME: 'n' } }).name).toBe('n');
  });
});

describe('faults', () => {
  test('all of them come in one error, each with its flag and YAML path', () => {
    const error = faultsOf(() =>
      loadConfig(sample, {
        argv: ['-port=x', '-ring.rate=-1', '-nope'],
        yaml: 'interval: 5\nunknown: 1\n',
      }),
    );
    expect(error.faults).toHaveLength(5);
    expect(error.message).toContain('-port (port) is "x"');
    expect(error.message).toContain('-ring.rate (kvstore.rate) is "-1"');
    expect(error.message.startsWith('flag provided but not defined: -nope\n')).toBe(true);
  });

  test('a wrong secret is not shown', () => {
    const error = faultsOf(() => loadConfig(sample, { yaml: 'kvstore:\n  token: [hunter2]\n' }));
    expect(error.message).not.toContain('hunter2');
  });

  test('what does not fit together is reported by the check of its section', () => {
    const error = faultsOf(() => loadConfig(sample, { argv: ['-ring.rate=7'] }));
    expect(error.faults).toEqual([
      {
        source: 'check',
        flag: 'ring.rate',
        yamlPath: 'kvstore.rate',
        message: '-ring.rate (kvstore.rate) is not for memberlist',
      },
    ]);
  });
});

describe('resolveConfig', () => {
  test('fills what is missing at any depth', () => {
    expect(resolveConfig(sample, { port: 1, kv: { rate: 2 } })).toEqual({
      ...DEFAULTS,
      port: 1,
      kv: { ...DEFAULTS.kv, rate: 2 },
    });
  });

  test('an explicit undefined is the default', () => {
    expect(resolveConfig(sample, { port: undefined })).toEqual(DEFAULTS);
  });

  test('refuses wrong values and unknown properties in one error', () => {
    const options = { port: -1, kv: { rate: 1, rat: 1 } };
    const error = faultsOf(() => resolveConfig(sample, options));
    expect(error.faults.map((fault) => fault.message)).toEqual([
      'there is no option kv.rat',
      'port is -1, which is not a whole number from 0 to 65535',
    ]);
  });

  test('refuses a value of another type', () => {
    const options: object = JSON.parse('{"port": "5", "intervalMs": "5s"}');
    const error = faultsOf(() => resolveConfig(sample, options));
    expect(error.faults.map((fault) => fault.flag)).toEqual(['interval', 'port']);
  });
});

describe('declarations', () => {
  test('a default that its own kind refuses is a programming error', () => {
    expect(() => option(int({ max: 5 }), { flag: 'x', default: 6, help: 'h' })).toThrow(TypeError);
    expect(() => option(durationMs(), { flag: 'x', default: '5', help: 'h' })).toThrow(TypeError);
  });

  test('two options with one flag are a programming error', () => {
    const a = option(string(), { flag: 'x', default: '', help: 'h' });
    expect(() => loadConfig(section({ a, b: a }), {})).toThrow(/two options are called x/);
  });
});
