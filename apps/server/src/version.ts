/** What a build says of itself. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly nodeVersion: string;
}

/** Version of this program: the one of its package. */
export const VERSION = '0.0.0';

/** The build's description; revision and branch come from the environment of a packaged build, else `unknown`. */
export function buildInfo(env: NodeJS.ProcessEnv): BuildInfo {
  const { ML_BUILD_REVISION: revision = 'unknown', ML_BUILD_BRANCH: branch = 'unknown' } = env;
  return { version: VERSION, revision, branch, nodeVersion: process.version };
}

/** The lines that `-version` prints. */
export function versionText(info: BuildInfo): string {
  return [
    `ml-server, version ${info.version} (branch: ${info.branch}, revision: ${info.revision})`,
    `  runtime: node ${info.nodeVersion}`,
    `  platform: ${process.platform}/${process.arch}`,
    '',
  ].join('\n');
}
