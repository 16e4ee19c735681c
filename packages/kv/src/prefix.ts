import type { KvClient } from './client.ts';

/**
 * A client whose keys all stand under `prefix`, which should end in `/`. Its user neither writes nor sees it; an
 * empty one gives the client itself. As the prefix client in dskit.
 */
export function withPrefix<T>(client: KvClient<T>, prefix: string): KvClient<T> {
  if (prefix === '') return client;
  return {
    get: (key) => client.get(prefix + key),
    list: async (inner) => (await client.list(prefix + inner)).map((key) => strip(key, prefix)),
    delete: (key) => client.delete(prefix + key),
    cas: (key, update, options) => client.cas(prefix + key, update, options),
    watchKey: (key, options) => client.watchKey(prefix + key, options),
    async *watchPrefix(inner, options) {
      for await (const { key, value } of client.watchPrefix(prefix + inner, options)) {
        yield { key: strip(key, prefix), value };
      }
    },
  };
}

function strip(key: string, prefix: string): string {
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
}
