/** What flows between the blocks of a region: registers to be written back, registers that are needed, instructions, flags. */
import type { End } from './blocks.ts';
import type { BlockBuilder } from './builder.ts';
import type { Node } from './graph.ts';
import { NONE, same, union, without, type RegisterSet } from './registers.ts';

export interface Flow {
  /** Registers whose locals, at the block's begin, are newer than the state block. */
  readonly dirty: RegisterSet;
  readonly dirtyOut: RegisterSet;
  /** The same where the block has written `defined`. */
  dirtyAt(defined: RegisterSet): RegisterSet;
  /** Registers whose locals have to be right at the block's begin. */
  readonly live: RegisterSet;
  /** The most instructions from here to where COUNT is asked again. */
  readonly longest: number;
  /** The flags that the block begins with are wanted. */
  readonly needsFlags: boolean;
}

const isCall = ({ kind }: End) => kind === 'call' || kind === 'indirectCall';

/** `nodes` in reverse postorder. */
export function flow(nodes: readonly Node[], blocks: ReadonlyMap<Node, BlockBuilder>): Map<Node, Flow> {
  const dirty = dirtyRegisters(nodes, blocks);
  const live = liveRegisters(nodes, blocks, dirty);
  const longest = longestPaths(nodes);
  const flags = neededFlags(nodes, blocks);
  return new Map(
    nodes.map((node): [Node, Flow] => {
      const before = dirty.get(node)!;
      return [
        node,
        {
          dirty: before,
          dirtyOut: union(before, blocks.get(node)!.defined),
          dirtyAt: (defined) => union(before, defined),
          live: live.get(node)!,
          longest: longest.get(node)!,
          needsFlags: flags.has(node),
        },
      ];
    }),
  );
}

function dirtyRegisters(nodes: readonly Node[], blocks: ReadonlyMap<Node, BlockBuilder>): Map<Node, RegisterSet> {
  const dirty = new Map(nodes.map((node): [Node, RegisterSet] => [node, NONE]));
  for (let changed = true; changed;) {
    changed = false;
    for (const node of nodes) {
      if (isCall(node.block.end)) continue;
      const out = union(dirty.get(node)!, blocks.get(node)!.defined);
      for (const successor of node.successors) {
        const before = dirty.get(successor)!;
        const after = union(before, out);
        if (same(before, after)) continue;
        dirty.set(successor, after);
        changed = true;
      }
    }
  }
  return dirty;
}

function liveRegisters(
  nodes: readonly Node[],
  blocks: ReadonlyMap<Node, BlockBuilder>,
  dirty: ReadonlyMap<Node, RegisterSet>,
): Map<Node, RegisterSet> {
  const live = new Map<Node, RegisterSet>();
  for (const node of nodes) {
    const { used, exits, defined } = blocks.get(node)!;
    const before = dirty.get(node)!;
    let wanted = used;
    /* Written back at an exit, though on this way it may not have been written. */
    for (const site of exits) wanted = union(wanted, without(before, site.defined));
    if (node.isLoop) wanted = union(wanted, before);
    if (leaves(node)) wanted = union(wanted, without(before, defined));
    live.set(node, wanted);
  }
  const backward = [...nodes].reverse();
  for (let changed = true; changed;) {
    changed = false;
    for (const node of backward) {
      if (isCall(node.block.end)) continue;
      let after = live.get(node)!;
      for (const successor of node.successors) {
        after = union(after, without(live.get(successor)!, blocks.get(node)!.defined));
      }
      if (same(after, live.get(node)!)) continue;
      live.set(node, after);
      changed = true;
    }
  }
  return live;
}

/** Control may leave the region, or locals be written back, at the block's end. */
function leaves({ block: { end }, successors }: Node): boolean {
  if (end.kind === 'goto') return successors.length < 1;
  return end.kind !== 'conditional' || successors.length < 2;
}

function longestPaths(nodes: readonly Node[]): Map<Node, number> {
  const longest = new Map<Node, number>();
  for (const node of [...nodes].reverse()) {
    const { end, instructions } = node.block;
    let most = 0;
    if (!isCall(end)) {
      for (const successor of node.successors) {
        if (successor.order > node.order && !successor.isLoop) most = Math.max(most, longest.get(successor)!);
      }
    }
    longest.set(node, instructions.length + most);
  }
  return longest;
}

/** Blocks that use the flags they begin with, or pass them on to someone who does. */
function neededFlags(nodes: readonly Node[], blocks: ReadonlyMap<Node, BlockBuilder>): Set<Node> {
  const needed = new Set<Node>();
  for (let changed = true; changed;) {
    changed = false;
    for (const node of [...nodes].reverse()) {
      if (needed.has(node)) continue;
      const { usesFlags, passesFlags } = blocks.get(node)!;
      const passed = passesFlags && (leaves(node) || node.successors.some((successor) => needed.has(successor)));
      if (!usesFlags && !node.isLoop && !passed) continue;
      needed.add(node);
      changed = true;
    }
  }
  return needed;
}
