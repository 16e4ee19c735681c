import { access } from 'node:fs/promises';
import {
  type BrowserContextOptions,
  type Browser as Chromium,
  chromium,
  type Page,
} from 'playwright-core';

import { HarnessError } from './errors.ts';

const BINARY = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page with what it asked for and complained of. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings on the console, and exceptions that nobody caught. */
  readonly complaints: readonly string[];
  /** Addresses of all requests. */
  readonly requests: readonly string[];
}

/** A headless Chromium. */
export class Browser implements AsyncDisposable {
  readonly #chromium: Chromium;

  private constructor(browser: Chromium) {
    this.#chromium = browser;
  }

  /** @throws {HarnessError} when the Debian package chromium is missing. */
  static async start(): Promise<Browser> {
    await access(BINARY).catch((cause: unknown) => {
      throw new HarnessError(`${BINARY} is missing: Debian package chromium`, { cause });
    });
    return new Browser(await chromium.launch({ executablePath: BINARY, args: FLAGS }));
  }

  /** An empty page with a profile of its own, watched from its first request on. */
  async open(options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const context = await this.#chromium.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    context.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    return { page, complaints, requests };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chromium.close();
  }
}
