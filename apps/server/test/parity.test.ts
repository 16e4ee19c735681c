import { readFileSync } from 'node:fs';
import { describe as describeOptions, parseDuration } from '@ml/runtime/config';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { serverConfig } from '../src/config.ts';

const row = z.object({
  flag: z.string(),
  yaml: z.string().nullable(),
  type: z.string(),
  default: z.string(),
  category: z.string(),
});

const facts = z
  .object({ memberlist: z.array(row), server: z.array(row) })
  .parse(
    JSON.parse(
      readFileSync(new URL('facts/pyroscope-v1.18.0-flags.json', import.meta.url), 'utf8'),
    ),
  );

const ours = new Map(describeOptions(serverConfig).map((option) => [option.flag, option]));

/** The options of the reference's server block that this program has. */
const SERVER_FLAGS = [
  'server.http-listen-address',
  'server.http-listen-port',
  'log.format',
  'log.level',
];

const expected = [
  ...facts.memberlist,
  ...facts.server.filter(({ flag }) => SERVER_FLAGS.includes(flag)),
];

/** Durations by value, the host name as the reference shows it: as nothing. */
function comparable(type: string, text: string): unknown {
  if (type === 'duration') return parseDuration(text);
  return text === '<hostname>' ? '' : text;
}

describe('every option of the reference', () => {
  test('is among the 43 of memberlist and 4 of the server', () => {
    expect(facts.memberlist).toHaveLength(43);
    expect(expected).toHaveLength(47);
  });

  test.each(expected)('-$flag has its YAML path, type, default and category', (fact) => {
    const option = ours.get(fact.flag);
    expect({
      yaml: option?.yamlPath ?? null,
      type: option?.type,
      default: option && comparable(option.type, option.default),
      category: option?.category,
    }).toEqual({
      yaml: fact.yaml,
      type: fact.type,
      default: comparable(fact.type, fact.default),
      category: fact.category,
    });
  });

  test('is all that stands in the memberlist block', () => {
    const block = [...ours.values()].filter(
      ({ flag, yamlPath }) =>
        flag?.startsWith('memberlist.') || yamlPath?.startsWith('memberlist.'),
    );
    expect(block).toHaveLength(43);
  });
});
