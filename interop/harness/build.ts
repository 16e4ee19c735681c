import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { HarnessError, textOf } from './errors.ts';
import { MachineLock } from './machine-lock.ts';
import { BIN_DIR, BUILD_DIR, INTEROP_DIR, REPOSITORY_DIR } from './paths.ts';

const run = promisify(execFile);

/** Programs under `go/cmd`. */
export type GoProgram = 'peer' | 'faultnet' | 'netprobe' | 'certs' | 'ringdiff';

/** Time limit for a `beforeAll` that builds: cold and beside other work it takes minutes. */
export const BUILD_LIMIT_MS = 900_000;

/** Pinned: a newer one may answer differently. */
const COREDNS_MODULE = 'github.com/coredns/coredns@v1.15.0';
const MAX_OUTPUT_BYTES = 16 << 20;
const built = new Map<GoProgram, Promise<string>>();
let server: Promise<string> | undefined;

/**
 * Builds a program under `go/cmd`, once a process and never twice at the same time on a machine.
 *
 * @returns the binary's path.
 * @throws {HarnessError} when Go is missing or the build fails.
 */
export function goBinary(program: GoProgram): Promise<string> {
  const known = built.get(program);
  if (known !== undefined) return known;
  const building = build(program);
  built.set(program, building);
  return building;
}

/**
 * Brings the build of the server and of what it depends on up to date, once a process and never twice at the same
 * time on a machine. Nothing is compiled while sources are as they were at the last build.
 *
 * @returns the path of its main program.
 * @throws {HarnessError} when the build fails, with what the compiler said.
 */
export function serverMain(): Promise<string> {
  server ??= buildServer();
  return server;
}

/**
 * Installs CoreDNS into the build folder unless it is there. Cold, this compiles for minutes.
 *
 * @returns the binary's path.
 * @throws {HarnessError} when Go is missing or the installation fails.
 */
export async function coreDnsBinary(): Promise<string> {
  await using _lock = await MachineLock.take(BUILD_DIR);
  const path = join(BIN_DIR, 'coredns');
  const installed = await access(path).then(
    () => true,
    () => false,
  );
  if (!installed) {
    await mkdir(BIN_DIR, { recursive: true });
    await go(['install', '-trimpath', COREDNS_MODULE], { GOBIN: BIN_DIR });
  }
  return path;
}

async function buildServer(): Promise<string> {
  await using _lock = await MachineLock.take(BUILD_DIR);
  const turbo = ['turbo', 'run', 'build', '--filter=@ml/server...', '--output-logs=errors-only'];
  try {
    await run('npx', ['--yes', 'pnpm@10', 'exec', ...turbo], {
      cwd: REPOSITORY_DIR,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? `\n${error.stdout}` : '';
    throw new HarnessError(`the server cannot be built: ${textOf(error)}${output}`, {
      cause: error,
    });
  }
  return join(REPOSITORY_DIR, 'apps/server/dist/main.js');
}

async function build(program: GoProgram): Promise<string> {
  await using _lock = await MachineLock.take(BUILD_DIR);
  const path = join(BIN_DIR, program);
  await mkdir(BIN_DIR, { recursive: true });
  await go(['build', '-trimpath', '-o', path, `./cmd/${program}`], {});
  return path;
}

async function go(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  try {
    await run('go', args, {
      cwd: join(INTEROP_DIR, 'go'),
      env: { ...process.env, ...env },
      maxBuffer: MAX_OUTPUT_BYTES,
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new HarnessError(
        'the interop tests need Go 1.25 or newer: `go` is not on the PATH. Install it and run them again',
        { cause: error },
      );
    }
    throw new HarnessError(`go ${args.join(' ')} failed: ${textOf(error)}`, { cause: error });
  }
}
