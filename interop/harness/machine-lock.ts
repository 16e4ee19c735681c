import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

import { HarnessError } from './errors.ts';
import { eventually } from './eventually.ts';

/** As long as everything built together may take. */
const WAIT_LIMIT_MS = 900_000;

/**
 * A name that one process of the machine holds at a time: a socket in Linux's abstract namespace, so that the kernel
 * frees it however its holder ends.
 */
export class MachineLock implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Takes `name`, or returns undefined when somebody holds it. */
  static async tryTake(name: string): Promise<MachineLock | undefined> {
    const server = createServer((socket) => socket.destroy());
    server.listen(`\0ml-interop:${name}`);
    try {
      await once(server, 'listening');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return;
      throw error;
    }
    return new MachineLock(server);
  }

  /** Waits for `name`, at most 15 minutes. */
  static async take(name: string): Promise<MachineLock> {
    return await eventually(
      async () => {
        const lock = await MachineLock.tryTake(name);
        if (lock === undefined) throw new HarnessError('another process holds it');
        return lock;
      },
      { what: `the lock ${name}`, withinMs: WAIT_LIMIT_MS, everyMs: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
