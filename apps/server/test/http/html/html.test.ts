import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, raw } from '../../../src/http/html/html.ts';

test('values are escaped for text and for quoted attributes', () => {
  expect(html`<a title="${`"'<>&`}">${'<script>'}</a>`.text).toBe(
    '<a title="&#34;&#39;&#60;&#62;&#38;">&#60;script&#62;</a>',
  );
});

test('HTML stays as it is, arrays are joined, nothing is nothing', () => {
  expect(html`${[html`<b>`, raw('<i>'), 1, undefined, false]}`.text).toBe('<b><i>1');
});

test('no string whatever opens a tag, an attribute or an entity', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { text: out } = html`${text}`;
      expect(out).not.toMatch(/[<>"']/);
      expect(out.replace(/&#\d+;/g, '')).not.toContain('&');
    }),
  );
});
