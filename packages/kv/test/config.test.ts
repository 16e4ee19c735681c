import { readFileSync } from 'node:fs';
import { describe as describeOptions, loadConfig, resolveConfig } from '@ml/runtime/config';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { memberlistKvConfig } from '../src/index.ts';

const { flags } = z
  .object({
    flags: z.array(
      z.object({
        flag: z.string(),
        yaml: z.string(),
        type: z.string(),
        default: z.string(),
        category: z.string(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('./vectors/flags.json', import.meta.url), 'utf8')));

describe('the settings of a gossiped store', () => {
  test('are the flags, YAML keys, types, defaults and categories of the reference, in its order', () => {
    const ours = describeOptions(memberlistKvConfig).map((option) => ({
      flag: option.flag,
      yaml: `memberlist.${option.yamlPath}`,
      type: option.type,
      default: option.default.replace('<hostname>', ''),
      category: option.category,
    }));
    expect(ours).toEqual(flags);
  });

  test('all have a help text of their own', () => {
    const helps = describeOptions(memberlistKvConfig).map(({ help }) => help);
    expect(new Set(helps).size).toBe(flags.length);
    for (const help of helps) expect(help).toMatch(/^[A-Z].*\.$/);
  });

  test('take join members from YAML and flags together', () => {
    const config = loadConfig(memberlistKvConfig, {
      argv: ['-memberlist.join=c:1', '-memberlist.join', 'd:2'],
      yaml: 'join_members: [a, b]',
    });
    expect(config.joinMembers).toEqual(['a', 'b', 'c:1', 'd:2']);
  });

  test.each([{ watchPrefixBufferSize: 0 }, { retransmitFactor: 0 }, { gossipIntervalMs: -1 }])(
    'refuse what cannot work (%o)',
    (given) => {
      expect(() => resolveConfig(memberlistKvConfig, given)).toThrow();
    },
  );
});
