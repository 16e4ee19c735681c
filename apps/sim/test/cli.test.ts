import { describe, expect, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import { builtInNames } from '../src/node-scenarios.ts';

async function cli(
  ...argv: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    env: { ML_BUILD_REVISION: 'abc' },
    signal: new AbortController().signal,
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    showsProgress: true,
  });
  return { code, out, err };
}

describe('ml-sim', () => {
  test('list prints one scenario a line, name first and without heading', async () => {
    const { code, out } = await cli('list');
    expect(code).toBe(0);
    const names = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(names).toEqual(builtInNames());
    expect(names).toEqual(names.toSorted((a = '', b = '') => (a < b ? -1 : 1)));
  });

  test('run says first what is needed to repeat it, and ends with the hash', async () => {
    const { code, out, err } = await cli(
      'run',
      'crash',
      '--seed',
      '4',
      '--set',
      'ring.num_tokens=4',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^SEED 4\ncommit abc\nscenario crash: .*\noptions .* ring\.num_tokens=4\n/);
    expect(out).toMatch(/\ntrace sha256 [0-9a-f]{64}\n$/);
    expect(err).toMatch(/x real time, 5\/5 nodes up/);
  });

  test('run ends with 1 when an assertion does not hold', async () => {
    const { code, out } = await cli('run', 'crash', '--set', 'assert=["deaths == 0"]');
    expect(code).toBe(1);
    expect(out).toContain('FAILED deaths == 0');
  });

  test.each([
    [[], /a command is missing/],
    [['dance'], /there is no command "dance"/],
    [['run'], /run takes a scenario/],
    [['run', 'nothing'], /neither a built-in scenario \(.*crash, .*\) nor a file/],
    [['run', 'crash', '--seed', 'x'], /--seed takes a whole number/],
    [['run', 'crash', '--sed', '1'], /--sed/],
    [['run', 'crash', '--set', 'memberlist.x=1'], /crash: config: unknown key "x"/],
  ])('%j ends with 2 and says why', async (argv, message) => {
    const { code, err } = await cli(...argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('help lists the commands', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/ list .*\n(.*\n)+ +run </);
  });
});
