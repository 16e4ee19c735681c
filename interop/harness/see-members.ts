import { expect } from 'vitest';

import { eventually } from './eventually.ts';
import { GoPeer } from './go-peer.ts';
import type { TsNode } from './ts-node.ts';

/** Either kind of node. */
export type AnyNode = GoPeer | TsNode;

/** Names that a node holds for alive, sorted; of one of ours also suspects. */
export async function aliveNames(node: AnyNode): Promise<readonly string[]> {
  return node instanceof GoPeer ? await node.aliveNames() : await node.memberNames();
}

/** Waits until every one of the nodes sees all of them, and nobody else. */
export async function seeEachOther(nodes: readonly AnyNode[], withinMs = 20_000): Promise<void> {
  const names = nodes.map((node) => node.name);
  await Promise.all(nodes.map((node) => sees(node, names, withinMs)));
}

/** Waits until a node sees exactly these names. */
export async function sees(
  node: AnyNode,
  names: readonly string[],
  withinMs = 20_000,
): Promise<void> {
  const wanted = new Set(names);
  await eventually(async () => expect(new Set(await aliveNames(node))).toEqual(wanted), {
    what: `${node.name} sees ${names.join(', ')}`,
    withinMs,
    detail: () => (node instanceof GoPeer ? '' : node.process.tail()),
  });
}

/** Waits until a node sees this name, among others. */
export async function seesAlso(node: AnyNode, name: string, withinMs = 20_000): Promise<void> {
  await eventually(async () => expect(await aliveNames(node)).toContain(name), {
    what: `${node.name} sees ${name}`,
    withinMs,
    detail: () => (node instanceof GoPeer ? '' : node.process.tail()),
  });
}

/** Waits until a ring entry is active on every one of the nodes. */
export async function seeActive(nodes: readonly AnyNode[], id: string): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      await eventually(async () => expect(await instanceStates(node)).toContain(`${id} ACTIVE`), {
        what: `${node.name} sees instance ${id} active`,
        withinMs: 20_000,
        detail: () => (node instanceof GoPeer ? '' : node.process.tail()),
      });
    }),
  );
}

async function instanceStates(node: AnyNode): Promise<readonly string[]> {
  const instances =
    node instanceof GoPeer ? await node.ring() : ((await node.ringPage()).shards ?? []);
  return instances.map(({ id, state }) => `${id} ${state}`);
}
