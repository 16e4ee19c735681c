import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles workers/, so that they run as packages do that are installed: a loader that compiles on the way hands
 * memory to a thread of its own, after which V8 looks at every typed array anew at each access. To be called once.
 */
export function compileWorkers(): void {
  execFileSync(`${bench}node_modules/.bin/tsc`, ['-p', 'tsconfig.workers.json'], {
    cwd: bench,
    stdio: 'inherit',
  });
}

/** How a compiled script of workers/ is run in a process of its own: the arguments of Node. */
export function workerArgs(script: string, ...args: readonly string[]): readonly string[] {
  return ['--expose-gc', `${bench}.build/workers/${script}.js`, ...args];
}
