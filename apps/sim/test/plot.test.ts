import { expect, test } from 'vitest';
import { type PlotOptions, plotHtml, plotSvg } from '../src/report/plot.ts';

const PLOT: PlotOptions = {
  title: 'a < b',
  xLabel: 'seconds',
  yLabel: 'share',
  series: [
    {
      name: 'one & two',
      points: [
        [0, 0],
        [10, 1],
      ],
    },
  ],
};

test('a plot as a file names everything in itself, escaped', () => {
  const svg = plotSvg(PLOT);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*<\/svg>\n$/);
  for (const text of [
    'a &lt; b</text>',
    'one &amp; two</text>',
    'seconds</text>',
    'share</text>',
  ]) {
    expect(svg).toContain(text);
  }
});

test('both forms of a plot draw the same line', () => {
  const path = /<path d="M64\.0 186\.0L744\.0 12\.0"/;
  expect(plotSvg(PLOT)).toMatch(path);
  expect(plotHtml(PLOT)).toMatch(path);
});

test('a plot of nothing is a frame as a file, and a sentence in a page', () => {
  const nothing = { ...PLOT, series: [] };
  expect(plotSvg(nothing)).not.toMatch(/NaN|<path/);
  expect(plotHtml(nothing)).toContain('nothing was measured');
});
