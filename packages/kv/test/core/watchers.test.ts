import { describe, expect, test } from 'vitest';
import { type Watcher, Watchers } from '../../src/core/watchers.ts';

function recorder(): Watcher & { readonly keys: string[] } {
  const keys: string[] = [];
  return { keys, changed: (key) => keys.push(key) };
}

describe('watchers', () => {
  test('are told of their key, or of every key with their prefix', () => {
    const watchers = new Watchers({ debounced: false });
    const [key, prefix, all] = [recorder(), recorder(), recorder()];
    watchers.addKey('a/1', key);
    watchers.addPrefix('a/', prefix);
    watchers.addPrefix('', all);
    for (const changed of ['a/1', 'a/2', 'b']) watchers.changed(changed);
    expect(key.keys).toEqual(['a/1']);
    expect(prefix.keys).toEqual(['a/1', 'a/2']);
    expect(all.keys).toEqual(['a/1', 'a/2', 'b']);
  });

  test('are told once of many changes when debounced, and of later ones again', () => {
    const watchers = new Watchers({ debounced: true });
    const watcher = recorder();
    watchers.addKey('k', watcher);
    watchers.addKey('l', watcher);
    for (const key of ['k', 'k', 'l', 'k']) watchers.changed(key);
    expect(watcher.keys).toEqual([]);
    expect(watchers.flush()).toBe(2);
    expect(watchers.flush()).toBe(0);
    watchers.changed('k');
    expect(watchers.flush()).toBe(1);
    expect(watcher.keys).toEqual(['k', 'l', 'k']);
  });

  test('may be removed while they are being told', () => {
    const watchers = new Watchers({ debounced: false });
    const told: string[] = [];
    const links: Disposable[] = [];
    const removing = (name: string): Watcher => ({
      changed: () => {
        told.push(name);
        for (const link of links) link[Symbol.dispose]();
      },
    });
    links.push(watchers.addKey('k', removing('first')), watchers.addKey('k', removing('second')));
    watchers.changed('k');
    watchers.changed('k');
    expect(told).toEqual(['first']);
  });

  test('of one key do not cost the change of another anything, ten thousand of them', () => {
    const watchers = new Watchers({ debounced: false });
    let told = 0;
    const links = Array.from({ length: 10_000 }, () =>
      watchers.addKey('busy', {
        changed: () => {
          told += 1;
        },
      }),
    );
    watchers.changed('quiet');
    expect(told).toBe(0);
    watchers.changed('busy');
    expect(told).toBe(10_000);
    for (const link of links) link[Symbol.dispose]();
    watchers.changed('busy');
    expect(told).toBe(10_000);
  });
});
