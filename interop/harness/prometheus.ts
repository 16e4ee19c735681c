import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Cleanup } from './cleanup.ts';
import { ControlClient } from './control-client.ts';
import { HarnessError } from './errors.ts';
import { eventually } from './eventually.ts';
import { ManagedProcess } from './managed-process.ts';
import { freePort } from './ports.ts';

const BINARY = '/usr/bin/prometheus';

/** What is scraped as one job. */
export interface ScrapeJob {
  readonly job: string;
  /** `host:port` of each. */
  readonly targets: readonly string[];
}

/** One series of an instant query's answer. */
export interface InstantSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface QueryAnswer {
  readonly status: string;
  readonly data: {
    readonly resultType: string;
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** A real Prometheus that scrapes every second, its data in a folder that goes with it. */
export class Prometheus implements AsyncDisposable {
  readonly #http: ControlClient;
  readonly #cleanup: Cleanup;

  private constructor(http: ControlClient, cleanup: Cleanup) {
    this.#http = http;
    this.#cleanup = cleanup;
  }

  /** @throws {HarnessError} when the Debian package prometheus is missing or it does not start. */
  static async start(jobs: readonly ScrapeJob[]): Promise<Prometheus> {
    const cleanup = new Cleanup();
    try {
      const dir = await mkdtemp(join(tmpdir(), 'ml-prometheus-'));
      cleanup.defer(async () => await rm(dir, { recursive: true, force: true }));
      const config = join(dir, 'prometheus.yml');
      // JSON is YAML.
      await writeFile(config, JSON.stringify(configOf(jobs)));
      const address = `127.0.0.1:${await freePort()}`;
      const process = cleanup.use(
        await ManagedProcess.start({
          name: 'prometheus (Debian package prometheus)',
          command: BINARY,
          args: [
            `--config.file=${config}`,
            `--storage.tsdb.path=${join(dir, 'data')}`,
            `--web.listen-address=${address}`,
          ],
        }),
      );
      const http = new ControlClient(`http://${address}`);
      await eventually(
        async () => {
          if (process.end !== undefined) throw new HarnessError('it has ended');
          await http.text('/-/ready');
        },
        { what: `${process.name} is ready`, withinMs: 30_000, detail: () => process.tail() },
      );
      return new Prometheus(http, cleanup);
    } catch (error) {
      await cleanup[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The answer of the HTTP API to an instant query that gives a vector. @throws {HarnessError} when it is refused. */
  async query(promql: string): Promise<readonly InstantSample[]> {
    const path = `/api/v1/query?query=${encodeURIComponent(promql)}`;
    const { data } = await this.#http.get<QueryAnswer>(path);
    if (data.resultType !== 'vector') {
      throw new HarnessError(`${promql} gives a ${data.resultType}, not a vector`);
    }
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }
}

function configOf(jobs: readonly ScrapeJob[]): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: jobs.map(({ job, targets }) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
  };
}
