import { expect, test } from 'vitest';
import { renderDocs } from '../../gen-docs.ts';

test('the generated pages are those of this code', async () => {
  for (const [path, text] of await renderDocs()) {
    await expect(text).toMatchFileSnapshot(`../../../${path}`);
  }
});
