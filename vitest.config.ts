import { defineConfig } from 'vitest/config';

const conditions = ['@ml/source'];

const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, benchmark: { include: [] }, ...more },
});

export default defineConfig({
  // Workspace imports resolve to src, so tests need no build.
  ssr: { resolve: { conditions } },
  test: {
    reporters: ['default', './tools/plain-summary-reporter.ts'],
    projects: [
      // The limits catch what hangs, on a machine that does other things too; no test measures time.
      project('unit', ['{packages,apps,interop}/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'], {
        testTimeout: 30_000,
      }),
      project('examples', ['examples/*/test/**/*.test.ts'], { passWithNoTests: true }),
      project('interop', ['interop/**/*.interop.ts'], {
        testTimeout: 60_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      {
        extends: true,
        test: {
          name: 'bench',
          include: [],
          benchmark: { include: ['packages/*/bench/**/*.bench.ts'] },
        },
      },
    ],
  },
});
