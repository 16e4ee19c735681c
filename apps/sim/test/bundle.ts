import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A module of the workspace as one file that Node.js runs as it is. */
export interface Bundle extends AsyncDisposable {
  readonly script: URL;
}

/** Bundles a source file, named relative to this one, with the bundler of the test runner. */
export async function bundled(source: string): Promise<Bundle> {
  const runner = createRequire(import.meta.url).resolve('vitest/package.json');
  const bundler = pathToFileURL(createRequire(runner).resolve('vite')).href;
  const { build } = await import(/* @vite-ignore */ bundler);
  const outDir = await mkdtemp(join(tmpdir(), 'ml-sim-'));
  const conditions = ['@ml/source'];
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    ssr: { noExternal: true, resolve: { conditions } },
    build: {
      ssr: fileURLToPath(new URL(source, import.meta.url)),
      outDir,
      target: 'node20',
      emptyOutDir: true,
      rollupOptions: { output: { entryFileNames: 'bundle.mjs' } },
    },
  });
  return {
    script: pathToFileURL(join(outDir, 'bundle.mjs')),
    [Symbol.asyncDispose]: () => rm(outDir, { recursive: true }),
  };
}
