/** The shape of a region's control flow: order, dominators, loops; what can't be structured is cut. */
import { followers, type Block, type Offset } from './blocks.ts';

export interface Node {
  readonly block: Block;
  /** Place in reverse postorder. */
  readonly order: number;
  readonly successors: readonly Node[];
  readonly predecessors: readonly Node[];
  readonly dominator: Node | null;
  /** What it dominates immediately. */
  readonly children: readonly Node[];
  /** Someone comes back to it. */
  readonly isLoop: boolean;
  /** Reached forward from more than one place. */
  readonly isMerge: boolean;
  /** Control comes back to it. */
  readonly inLoop: boolean;
}

interface Draft {
  readonly block: Block;
  order: number;
  successors: Draft[];
  predecessors: Draft[];
  dominator: Draft | null;
  children: Draft[];
  isLoop: boolean;
  isMerge: boolean;
  inLoop: boolean;
}

/**
 * Nodes in reverse postorder, the entry's first. An edge back to a block that does not dominate where it comes from is
 * left out: such a loop has two entries, and its region is left there.
 */
export function buildGraph(blocks: ReadonlyMap<Offset, Block>, entry: Offset): Node[] {
  const drafts = new Map<Offset, Draft>();
  for (const block of blocks.values()) {
    drafts.set(block.start, {
      block,
      order: -1,
      successors: [],
      predecessors: [],
      dominator: null,
      children: [],
      isLoop: false,
      isMerge: false,
      inLoop: false,
    });
  }
  for (const draft of drafts.values()) {
    for (const next of followers(draft.block.end)) {
      const successor = drafts.get(next);
      if (successor) draft.successors.push(successor);
    }
  }
  const first = drafts.get(entry)!;
  let order = reversePostorder(first, drafts.values());
  findDominators(order);
  while (cutIrreducible(order)) {
    order = reversePostorder(first, drafts.values());
    findDominators(order);
  }
  for (const node of order) {
    node.dominator?.children.push(node);
    node.isLoop = node.predecessors.some(({ order: from }) => from >= node.order);
    node.isMerge = node.predecessors.filter(({ order: from }) => from < node.order).length > 1;
  }
  for (const node of order) if (node.isLoop) markLoop(node);
  return order;
}

/** The natural loop of a head: what reaches the head without passing it. */
function markLoop(head: Draft): void {
  head.inLoop = true;
  const inside = new Set([head]);
  const work = head.predecessors.filter(({ order }) => order >= head.order);
  for (let node = work.pop(); node; node = work.pop()) {
    if (inside.has(node)) continue;
    inside.add(node);
    node.inLoop = true;
    work.push(...node.predecessors);
  }
}

function reversePostorder(entry: Draft, all: Iterable<Draft>): Draft[] {
  for (const draft of all) {
    draft.order = -1;
    draft.predecessors = [];
    draft.dominator = null;
  }
  const done: Draft[] = [];
  const seen = new Set([entry]);
  const path: { readonly draft: Draft; next: number }[] = [{ draft: entry, next: 0 }];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const successor = top.draft.successors[top.next++];
    if (!successor) {
      done.push(top.draft);
      path.pop();
    } else if (!seen.has(successor)) {
      seen.add(successor);
      path.push({ draft: successor, next: 0 });
    }
  }
  done.reverse();
  done.forEach((draft, index) => (draft.order = index));
  for (const draft of done) for (const successor of draft.successors) successor.predecessors.push(draft);
  return done;
}

/** Cooper, Harvey and Kennedy: A Simple, Fast Dominance Algorithm. */
function findDominators(order: readonly Draft[]): void {
  const entry = order[0]!;
  for (let changed = true; changed;) {
    changed = false;
    for (const draft of order) {
      if (draft === entry) continue;
      let found: Draft | null = null;
      for (const predecessor of draft.predecessors) {
        if (predecessor !== entry && !predecessor.dominator) continue;
        found = found ? common(found, predecessor) : predecessor;
      }
      if (found !== draft.dominator) {
        draft.dominator = found;
        changed = true;
      }
    }
  }
}

function common(one: Draft, other: Draft): Draft {
  let [a, b] = [one, other];
  while (a !== b) {
    while (a.order > b.order) a = a.dominator!;
    while (b.order > a.order) b = b.dominator!;
  }
  return a;
}

function dominates(one: Draft, other: Draft): boolean {
  let at: Draft | null = other;
  while (at && at.order > one.order) at = at.dominator;
  return at === one;
}

function cutIrreducible(order: readonly Draft[]): boolean {
  let cut = false;
  for (const draft of order) {
    const kept = draft.successors.filter((to) => to.order > draft.order || dominates(to, draft));
    cut ||= kept.length < draft.successors.length;
    draft.successors = kept;
  }
  return cut;
}
