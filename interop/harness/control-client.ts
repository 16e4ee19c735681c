import { HarnessError, textOf } from './errors.ts';

const REQUEST_LIMIT_MS = 60_000;

/** Requests to the HTTP control address of a program of the harness, or to a node's own pages. */
export class ControlClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @throws {HarnessError} on any answer but 200. */
  async get<T>(path: string): Promise<T> {
    return parse(path, await this.text(path, { headers: { accept: 'application/json' } }));
  }

  /** @throws {HarnessError} on any answer but 200, with what the other side said. */
  async post<T>(path: string, body: unknown = {}): Promise<T> {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return parse(path, await this.text(path, init));
  }

  /** The body of an answer 200. */
  async text(path: string, init: RequestInit = {}): Promise<string> {
    const response = await this.request(path, init);
    const text = await response.text();
    if (response.status !== 200) {
      throw new HarnessError(
        `${init.method ?? 'GET'} ${this.url}${path}: ${response.status} ${text}`,
      );
    }
    return text;
  }

  /** Any answer. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS);
    try {
      return await fetch(this.url + path, { redirect: 'manual', signal, ...init });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new HarnessError(
        `${init.method ?? 'GET'} ${this.url}${path} failed: ${textOf(cause)}`,
        {
          cause: error,
        },
      );
    }
  }
}

function parse<T>(path: string, text: string): T {
  try {
    const value: T = JSON.parse(text);
    return value;
  } catch (error) {
    throw new HarnessError(`the answer to ${path} is not JSON: ${text.slice(0, 200)}`, {
      cause: error,
    });
  }
}
