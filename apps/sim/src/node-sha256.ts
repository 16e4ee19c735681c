import { createHash, type Hash } from 'node:crypto';

/** A running SHA-256. Synchronous, so its result is the same in every run. */
export class Sha256 {
  readonly #hash: Hash = createHash('sha256');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** 64 hexadecimal digits for what was added so far; adding may go on. */
  hex(): string {
    return this.#hash.copy().digest('hex');
  }
}
