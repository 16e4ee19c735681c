import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';

const source = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8');
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

test('the quick start names the owner of a key and ends', async () => {
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../src/main.ts');
  expect(said.mock.calls).toEqual([['customer-42 belongs to worker-1']]);
  said.mockRestore();
});

test('the README shows the quick start as it is', () => {
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``);
});
