import { readFileSync } from 'node:fs';
import { describe as describeOptions } from '@ml/runtime/config';
import { expect, test } from 'vitest';
import { tcpTransportConfig } from '../../src/tcp/config.ts';
import { tcpConfig } from '../helpers/config.ts';

// T-2
test('flags, YAML keys, types, defaults and categories are those of the reference', () => {
  const text = readFileSync(new URL('../vectors/flags.json', import.meta.url), 'utf8');
  const reference: { flags: { flag: string; yaml: string | null }[] } = JSON.parse(text);
  const ours = describeOptions(tcpTransportConfig).map((option) => ({
    flag: option.flag,
    yaml: option.yamlPath === undefined ? null : `memberlist.${option.yamlPath}`,
    type: option.type,
    default: option.default,
    category: option.category,
  }));
  const sort = <T extends { readonly flag?: string | undefined }>(options: readonly T[]) =>
    [...options].sort((a, b) => ((a.flag ?? '') < (b.flag ?? '') ? -1 : 1));
  expect(sort(ours)).toEqual(sort(reference.flags));
});

test('durations are milliseconds inside', () => {
  expect(tcpConfig()).toMatchObject({
    bindAddrs: [],
    bindPort: 7946,
    packetDialTimeoutMs: 2000,
    packetWriteTimeoutMs: 5000,
    maxConcurrentWrites: 3,
    acquireWriterTimeoutMs: 250,
  });
});
