import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@ml/runtime/config';
import { afterAll, describe, expect, test } from 'vitest';
import { type Command, ConfigFileError, exitCodeOf, readCommand } from '../src/command.ts';
import type { ServerConfig } from '../src/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'ml-server-'));
afterAll(() => rmSync(dir, { recursive: true }));

function yamlFile(text: string): string {
  const path = join(dir, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

function configOf(command: Command): ServerConfig {
  if (command.type === 'run' || command.type === 'printConfig') return command.config;
  throw new TypeError(`${command.type} has no configuration`);
}

function thrownBy(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Error {
  try {
    readCommand(argv, env);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new TypeError('nothing was thrown');
}

describe('the command line', () => {
  test('without anything runs a node with the defaults', () => {
    const command = readCommand([], {});
    expect(command.type).toBe('run');
    const config = configOf(command);
    expect(config.server.httpListenPort).toBe(4040);
    expect(config.memberlist.transport.bindPort).toBe(7946);
    expect(config.metrics.namespace).toBe('pyroscope');
  });

  test('takes flags over the file over the defaults, and adds to lists', () => {
    const path = yamlFile(
      'memberlist:\n  join_members: [a:1, b:2]\n  gossip_nodes: 5\n  bind_port: 1000\n',
    );
    const argv = [`-config.file=${path}`, '-memberlist.join', 'c:3', '--memberlist.bind-port=2000'];
    const config = configOf(readCommand(argv, {}));
    expect(config.memberlist.kv.joinMembers).toEqual(['a:1', 'b:2', 'c:3']);
    expect(config.memberlist.kv.gossipNodes).toBe(5);
    expect(config.memberlist.transport.bindPort).toBe(2000);
  });

  test('expands the environment in the file only when told', () => {
    const variable = ['$', '{ML_LABEL:-none}'].join('');
    const path = yamlFile(`memberlist:\n  cluster_label: ${variable}\n`);
    const expanded = readCommand([`-config.file=${path}`, '-config.expand-env'], { ML_LABEL: 'x' });
    expect(configOf(expanded).memberlist.kv.clusterLabel).toBe('x');
    const plain = configOf(readCommand([`-config.file=${path}`], { ML_LABEL: 'x' }));
    expect(plain.memberlist.kv.clusterLabel).toBe(variable);
  });

  test('an empty file is fine', () => {
    expect(readCommand([`-config.file=${yamlFile('')}`], {}).type).toBe('run');
  });

  test('an unknown flag is a usage error that names it in its first line', () => {
    const error = thrownBy(['-memberlist.joins=a:1']);
    expect(error.message.split('\n')[0]).toBe('flag provided but not defined: -memberlist.joins');
    expect(exitCodeOf(error)).toBe(2);
  });

  test('an argument that is no flag is a usage error', () => {
    expect(exitCodeOf(thrownBy(['start']))).toBe(2);
  });

  test('a bad value in the file is a failure that names the line', () => {
    const error = thrownBy([`-config.file=${yamlFile('memberlist:\n  gossip_nodes: many\n')}`]);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('line 2');
    expect(error.message).toContain('memberlist.gossip_nodes');
    expect(exitCodeOf(error)).toBe(1);
  });

  test('an unknown key in the file is a failure', () => {
    const error = thrownBy([`-config.file=${yamlFile('memberlist:\n  gossip_knodes: 3\n')}`]);
    expect(error.message).toContain('gossip_knodes');
    expect(exitCodeOf(error)).toBe(1);
  });

  test('a missing file is a failure that names it', () => {
    const error = thrownBy(['-config.file=/nowhere/config.yaml']);
    expect(error).toBeInstanceOf(ConfigFileError);
    expect(error.message).toContain('/nowhere/config.yaml');
    expect(exitCodeOf(error)).toBe(1);
  });

  test.each([['-version'], ['--version']])('%s asks for the version', (flag) => {
    expect(readCommand([flag], {}).type).toBe('version');
  });

  test('-help shows basic flags only, -help-all every one', () => {
    const basic = readCommand(['-help'], {});
    const all = readCommand(['-help-all'], {});
    if (basic.type !== 'help' || all.type !== 'help') throw new TypeError('no help');
    const count = (text: string) => text.match(/^ {2}-memberlist\./gm)?.length;
    expect(count(basic.text)).toBe(6);
    expect(count(all.text)).toBe(43);
    expect(all.text).toContain('[experimental]');
  });

  test.each([['-h'], ['--help']])('%s is help', (flag) => {
    expect(readCommand([flag], {}).type).toBe('help');
  });

  test('-print.config checks the configuration too', () => {
    expect(readCommand(['-print.config'], {}).type).toBe('printConfig');
    expect(exitCodeOf(thrownBy(['-print.config', '-memberlist.join=dns+a']))).toBe(1);
  });

  test('dev has its own flags', () => {
    expect(readCommand(['dev', '--nodes', '5'], {})).toEqual({
      type: 'dev',
      dev: { nodes: 5, httpPort: 4040, help: false },
    });
    expect(exitCodeOf(thrownBy(['dev', '--nodes=0']))).toBe(2);
    expect(exitCodeOf(thrownBy(['dev', '-memberlist.join=a:1']))).toBe(2);
  });
});

describe('DNS discovery prefixes', () => {
  test.each([
    ['-memberlist.bind-addr=dns+a:1'],
    ['-memberlist.advertise-addr=dnssrv+a'],
    ['-server.http-listen-address=dnssrvnoa+a'],
  ])('are refused in %s', (flag) => {
    const error = thrownBy([flag]);
    expect(error.message).toContain('work only in -memberlist.join');
    expect(error.message).toContain(flag.split('=')[0]);
    expect(exitCodeOf(error)).toBe(1);
  });

  test.each([
    ['dns+name', 'missing port'],
    ['consul+name:1', 'unknown prefix'],
    ['dnssrv+', 'no name'],
    ['a:1, dns+b', 'missing port'],
  ])('in join must be well written: %j', (entry, problem) => {
    expect(thrownBy([`-memberlist.join=${entry}`]).message).toContain(problem);
  });
});

describe('strict compatibility', () => {
  test('switches back what differs by default', async () => {
    const { effectiveExtras } = await import('../src/config.ts');
    expect(effectiveExtras(configOf(readCommand([], {})))).toEqual({
      clusterRejoinIntervalMs: 60_000,
      keepLastGoodMs: 600_000,
      dropBadDigest: true,
    });
    expect(effectiveExtras(configOf(readCommand(['-compat.strict'], {})))).toEqual({
      clusterRejoinIntervalMs: 0,
      keepLastGoodMs: 0,
      dropBadDigest: false,
    });
  });
});
