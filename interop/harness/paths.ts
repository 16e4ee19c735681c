import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The interop workspace. */
export const INTEROP_DIR: string = fileURLToPath(new URL('..', import.meta.url));

/** The whole repository. */
export const REPOSITORY_DIR: string = join(INTEROP_DIR, '..');

/** Everything built or installed for the interop tests; may be deleted at any time. */
export const BUILD_DIR: string = join(INTEROP_DIR, '.build');

/** Binaries built from `go/` and installed tools. */
export const BIN_DIR: string = join(BUILD_DIR, 'bin');
