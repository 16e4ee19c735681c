import { execFileSync } from 'node:child_process';

/** The commit that this program was built from: of a packaged build, else of the checkout it stands in, else `unknown`. */
export function commit(env: NodeJS.ProcessEnv): string {
  const { ML_BUILD_REVISION: revision } = env;
  if (revision !== undefined && revision !== '') return revision;
  try {
    const revisionOf = ['rev-parse', '--short=12', 'HEAD'];
    return execFileSync('git', revisionOf, { cwd: import.meta.dirname, stdio: 'pipe' })
      .toString()
      .trim();
  } catch (error) {
    if (error instanceof Error) return 'unknown';
    throw error;
  }
}
