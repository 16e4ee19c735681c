import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildInfo, VERSION, versionText } from '../src/version.ts';

test('the version is that of the package', () => {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  expect(JSON.parse(manifest).version).toBe(VERSION);
});

test('the text names version, revision and branch of the build', () => {
  const info = buildInfo({ ML_BUILD_REVISION: 'abc', ML_BUILD_BRANCH: 'main' });
  expect(versionText(info)).toMatch(/^ml-server, version \S+ \(branch: main, revision: abc\)\n/);
  expect(versionText(buildInfo({}))).toContain('revision: unknown');
});
