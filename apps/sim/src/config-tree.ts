import { loadConfig } from '@ml/runtime/config';
import { type ServerConfig, serverConfig } from '@ml/server/config';

/** Options of ml-server by their YAML names, not checked yet. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** Top-level blocks of the server's configuration. */
export const CONFIG_BLOCKS: readonly string[] = Object.values(serverConfig).flatMap((entry) =>
  entry.kind === 'mount' && typeof entry.yaml === 'string' ? [entry.yaml] : [],
);

/** Later trees laid over earlier ones, block by block; lists are replaced whole. */
export function mergeTrees(...trees: readonly ConfigTree[]): ConfigTree {
  const merged: Record<string, unknown> = {};
  for (const tree of trees) {
    for (const [key, value] of Object.entries(tree)) {
      const below = merged[key];
      merged[key] = isTree(below) && isTree(value) ? mergeTrees(below, value) : value;
    }
  }
  return merged;
}

/** The configuration of these trees over the defaults. @throws {ConfigError} */
export function configOf(...trees: readonly ConfigTree[]): ServerConfig {
  return loadConfig(serverConfig, { yaml: JSON.stringify(mergeTrees(...trees)) });
}

/** A tree with a value at a path of names. */
export function withValue(tree: ConfigTree, path: readonly string[], value: unknown): ConfigTree {
  const [key, ...rest] = path;
  if (key === undefined) return tree;
  const below = tree[key];
  const next = rest.length === 0 ? value : withValue(isTree(below) ? below : {}, rest, value);
  return { ...tree, [key]: next };
}

/** Whether a value is a block of keys and values. */
export function isTree(value: unknown): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
