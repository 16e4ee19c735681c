import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * While it lasts, this process and those it starts are scheduled before all ordinary work of the machine, so that they
 * can be measured beside it. Those started meanwhile stay so. Needs CAP_SYS_NICE; without it nothing changes.
 */
export class RealTime implements AsyncDisposable {
  /** Whether the machine grants it. */
  readonly granted: boolean;

  private constructor(granted: boolean) {
    this.granted = granted;
  }

  static async enter(): Promise<RealTime> {
    // The lowest priority of the round-robin class: enough to come before everything that is not in it.
    return new RealTime(await schedule(['--rr', '--pid', '1']));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.granted) await schedule(['--other', '--pid', '0']);
  }
}

/** Sets the policy of this process's main thread, which starts all others. */
async function schedule(options: readonly string[]): Promise<boolean> {
  try {
    await run('chrt', [...options, String(process.pid)]);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
