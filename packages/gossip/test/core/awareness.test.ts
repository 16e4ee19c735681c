import { expect, test } from 'vitest';
import { Awareness } from '../../src/core/awareness.ts';

test('the score stays between 0 and one less than the multiplier', () => {
  const awareness = new Awareness({ enabled: true, maxMultiplier: 8 });
  const scores = [0, -1, 0, 1, -1, 10, -1, -1, -1, -1, -1, -1, -1, -1, -1].map((delta) => {
    awareness.change(delta);
    return awareness.score;
  });
  expect(scores).toEqual([0, 0, 0, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]);
});

test('an interval is stretched by one of itself for each point', () => {
  const awareness = new Awareness({ enabled: true, maxMultiplier: 8 });
  expect(awareness.scale(1000)).toBe(1000);
  awareness.change(3);
  expect(awareness.scale(1000)).toBe(4000);
});

test('switched off, the score stays 0', () => {
  const awareness = new Awareness({ enabled: false, maxMultiplier: 8 });
  awareness.change(5);
  expect(awareness.scale(1000)).toBe(1000);
});
