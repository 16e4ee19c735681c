import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { goBinary } from './build.ts';
import type { Flags } from './managed-process.ts';

const run = promisify(execFile);

/** The DNS name every certificate holds for. */
export const TLS_SERVER_NAME = 'member.test';

/**
 * `member`: for the addresses and the name. `named`: for the name only. `expired`: ran out yesterday. `stranger`:
 * signed by another authority.
 */
export type CertificateName = 'member' | 'named' | 'expired' | 'stranger';

/** Fresh certificates in a folder of their own, removed on disposal. */
export class Certificates implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async create(addresses: readonly string[] = ['127.0.0.1', '::1']): Promise<Certificates> {
    const dir = await mkdtemp(join(tmpdir(), 'ml-interop-certs-'));
    await run(await goBinary('certs'), ['-dir', dir, '-addresses', addresses.join(',')]);
    return new Certificates(dir);
  }

  /** Gossip flags, understood by either kind of node, that present `name` and trust the common authority. */
  flags(name: CertificateName): Flags {
    return {
      'memberlist.tls-enabled': true,
      'memberlist.tls-cert-path': join(this.dir, `${name}.pem`),
      'memberlist.tls-key-path': join(this.dir, `${name}.key`),
      'memberlist.tls-ca-path': join(this.dir, 'ca.pem'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
