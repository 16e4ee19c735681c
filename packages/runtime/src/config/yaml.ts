import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { ConfigFault } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Leaf } from './section.ts';

/** What a YAML text says about a section. */
export interface YamlSettings {
  /** The YAML forms of the options that the text sets; their kinds have not looked at them yet. */
  readonly values: ReadonlyMap<Leaf, YamlValue>;
  readonly faults: readonly ConfigFault[];
}

/** A value and where it stands. */
export interface YamlValue {
  readonly value: unknown;
  readonly line: number;
  readonly column: number;
}

/** Merge keys (`<<`) may lead to mappings with merge keys; deeper than this it is a circle. */
const MAX_MERGES = 32;

/**
 * Lays a YAML text over a section, strictly: unknown and repeated keys are faults with their place. An empty text is
 * fine; a key without a value keeps the default. Never throws.
 */
export function readYaml(leaves: readonly Leaf[], text: string): YamlSettings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const reader = new Reader(document, lines, treeOf(leaves));
  if (document.errors.length > 0) {
    for (const error of document.errors) reader.report(error.pos[0], firstLine(error.message));
  } else if (document.contents !== null) {
    reader.mapping(document.contents, reader.root);
  }
  return reader;
}

interface Block {
  readonly path: readonly string[];
  readonly blocks: Map<string, Block>;
  readonly leaves: Map<string, Leaf>;
}

function treeOf(leaves: readonly Leaf[]): Block {
  const root: Block = { path: [], blocks: new Map(), leaves: new Map() };
  for (const leaf of leaves) {
    const name = leaf.yamlPath?.at(-1);
    if (leaf.yamlPath === undefined || name === undefined) continue;
    let block = root;
    for (const key of leaf.yamlPath.slice(0, -1)) {
      const next = block.blocks.get(key) ?? {
        path: [...block.path, key],
        blocks: new Map(),
        leaves: new Map(),
      };
      block.blocks.set(key, next);
      block = next;
    }
    block.leaves.set(name, leaf);
  }
  return root;
}

class Reader implements YamlSettings {
  readonly values = new Map<Leaf, YamlValue>();
  readonly faults: ConfigFault[] = [];
  readonly root: Block;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  #merges = 0;

  constructor(document: Document.Parsed, lines: LineCounter, root: Block) {
    this.#document = document;
    this.#lines = lines;
    this.root = root;
  }

  mapping(unresolved: ParsedNode | Node, block: Block): void {
    const node = this.#resolve(unresolved);
    if (node === undefined || isEmpty(node)) return;
    if (!isMap(node)) {
      const where = block.path.length > 0 ? `${block.path.join('.')} is` : 'the configuration is';
      this.report(offsetOf(unresolved), `${where} not a block of keys and values`);
      return;
    }
    this.#entries(node, block);
  }

  report(offset: number, what: string, leaf?: Leaf): void {
    const { line, column } = this.#place(offset);
    const message = `line ${line}, column ${column}: ${what}`;
    const yamlPath = leaf?.yamlPath?.join('.');
    this.faults.push({ source: 'yaml', flag: leaf?.flag, yamlPath, line, column, message });
  }

  #entries(map: YAMLMap, block: Block): void {
    // Merged mappings first, so that the keys beside them win.
    for (const { key, value } of map.items) {
      if (keyText(key) === '<<' && isNode(value)) this.#merge(value, block);
    }
    for (const { key, value } of map.items) {
      const name = keyText(key);
      if (name === '<<' && isNode(value)) continue;
      const nested = block.blocks.get(name);
      const leaf = block.leaves.get(name);
      if (nested !== undefined) {
        if (isNode(value)) this.mapping(value, nested);
      } else if (leaf !== undefined) {
        if (isNode(value)) this.#value(value, leaf);
      } else {
        this.#unknown(isNode(key) ? offsetOf(key) : 0, name, block);
      }
    }
  }

  #merge(value: Node, block: Block): void {
    this.#merges++;
    if (this.#merges > MAX_MERGES) {
      this.report(offsetOf(value), 'merge keys (<<) lead in a circle, or there are too many');
      return;
    }
    const target = this.#resolve(value);
    if (isMap(target)) this.#entries(target, block);
    else this.report(offsetOf(value), 'a merge key (<<) takes a mapping');
  }

  #value(unresolved: Node, leaf: Leaf): void {
    const node = this.#resolve(unresolved);
    if (node === undefined || isEmpty(node)) return;
    const value: unknown = node.toJS(this.#document);
    // A number or a word such as "true" where text is wanted means the text as written.
    const asWritten =
      isScalar(node) &&
      typeof node.source === 'string' &&
      leaf.option.value.type === 'string' &&
      typeof value !== 'string';
    this.values.set(leaf, {
      value: asWritten ? node.source : value,
      ...this.#place(offsetOf(unresolved)),
    });
  }

  #unknown(offset: number, name: string, block: Block): void {
    const meant = nearest(name, [...block.leaves.keys(), ...block.blocks.keys()]);
    const where = block.path.length > 0 ? ` in ${block.path.join('.')}` : '';
    const hint = meant.length > 0 ? `; did you mean ${meant.join(' or ')}?` : '';
    this.report(offset, `unknown key "${name}"${where}${hint}`);
  }

  #resolve(node: ParsedNode | Node): Node | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #place(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isScalar(value) || isAlias(value) || isSeqLike(value);
}

function isSeqLike(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'items' in value && 'range' in value;
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

function keyText(key: unknown): string {
  if (!isScalar(key)) return String(key);
  return typeof key.value === 'string' ? key.value : String(key.source ?? key.value);
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
