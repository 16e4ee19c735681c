/** Told that a key it watches may have a new value. It may only note that; it reads the value when it runs. */
export interface Watcher {
  changed(key: string): void;
}

/**
 * Who wants to know of which key. With `debounced` changed keys are collected and each is told once per
 * {@link flush}; else at once.
 */
export class Watchers {
  readonly #debounced: boolean;
  readonly #byKey = new Map<string, Set<Watcher>>();
  readonly #byPrefix = new Map<string, Set<Watcher>>();
  #waiting = new Set<string>();

  constructor(options: { readonly debounced: boolean }) {
    this.#debounced = options.debounced;
  }

  /** Tells `watcher` of changes of one key until the returned value is disposed. */
  addKey(key: string, watcher: Watcher): Disposable {
    return add(this.#byKey, key, watcher);
  }

  /** Tells `watcher` of changes of every key that starts with `prefix` until the returned value is disposed. */
  addPrefix(prefix: string, watcher: Watcher): Disposable {
    return add(this.#byPrefix, prefix, watcher);
  }

  changed(key: string): void {
    if (this.#debounced) this.#waiting.add(key);
    else this.#tell(key);
  }

  /** Tells of all collected keys; returns how many there were. */
  flush(): number {
    const keys = this.#waiting;
    if (keys.size === 0) return 0;
    this.#waiting = new Set();
    for (const key of keys) this.#tell(key);
    return keys.size;
  }

  #tell(key: string): void {
    for (const watcher of this.#byKey.get(key) ?? []) watcher.changed(key);
    for (const [prefix, watchers] of this.#byPrefix) {
      if (!key.startsWith(prefix)) continue;
      for (const watcher of watchers) watcher.changed(key);
    }
  }
}

function add(table: Map<string, Set<Watcher>>, name: string, watcher: Watcher): Disposable {
  const set = table.get(name) ?? new Set();
  table.set(name, set.add(watcher));
  return {
    [Symbol.dispose]: () => {
      set.delete(watcher);
      if (set.size === 0 && table.get(name) === set) table.delete(name);
    },
  };
}
