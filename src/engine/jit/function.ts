/** From the blocks of a region to its function. */
import { LibraryImports } from '../library.ts';
import * as at from '../layout.ts';
import { Code, type Label } from '../wasm/code.ts';
import { encodeModule } from '../wasm/module.ts';
import { OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import type { LibraryFunction } from '../../isa/library.ts';
import { type Block, type End, type Offset } from './blocks.ts';
import { BlockBuilder, TAKEN } from './builder.ts';
import { exitName, type RegionParts } from './values.ts';
import { emitCall, emitFetchEntry, emitLookup, emitRegionNumber, packed, Tails } from './exits.ts';
import { DYNAMIC, MEMORY, sameFlags, type Flags } from './flags.ts';
import { buildGraph, type Node } from './graph.ts';
import { flow, type Flow } from './flow.ts';
import * as local from './locals.ts';
import type { LastPage } from './memory.ts';
import { NONE, slots } from './registers.ts';
import { NZCV_OF } from './runtime.ts';
import { emitFlagsToMemory, emitReload, emitSpill, emitToDynamic } from './spill.ts';

const NZCV_INDEX = 0;
const { add, leS, ne, sub } = OPERATORS;

export interface RegionFunction {
  readonly bytes: Uint8Array;
  readonly library: readonly LibraryFunction[];
}

/**
 * `recordOf`: where the record of an instruction is, 0 where the region does not know its page. `counting` false: what is done
 * between loops, calls and the region's end is not counted.
 */
export function compileRegion(
  blocks: ReadonlyMap<Offset, Block>,
  entry: Offset,
  recordOf: (at: Offset) => number,
  counting = true,
): RegionFunction {
  return new Compiler(blocks, entry, recordOf, counting).compile();
}

class Compiler {
  readonly #entry: Offset;
  readonly #recordOf: (at: Offset) => number;
  readonly #counting: boolean;
  readonly #nodes: readonly Node[];
  readonly #library = new LibraryImports(1);
  readonly #locals = new local.RegionLocals();
  readonly #tails = new Tails();
  readonly #code = new Code();
  readonly #blocks = new Map<Node, BlockBuilder>();
  readonly #flow: Map<Node, Flow>;
  readonly #merges = new Map<Node, Label>();
  readonly #loops = new Map<Node, Label>();
  readonly #lastPages = new Map<string, LastPage>();
  /** A local that is not 0 where the region's page is known to need no landing pads. */
  #unguarded: number | null = null;
  #frameBytes = 0;

  constructor(blocks: ReadonlyMap<Offset, Block>, entry: Offset, recordOf: (at: Offset) => number, counting: boolean) {
    this.#counting = counting;
    this.#entry = entry;
    this.#recordOf = recordOf;
    this.#nodes = buildGraph(blocks, entry);
    const parts: RegionParts = {
      locals: this.#locals,
      callee: (fn) => this.#library.indexOf(fn),
      nzcvOf: NZCV_INDEX,
      lastPage: (base, access) => this.#lastPage(`${base}${access}`),
    };
    for (const node of this.#nodes) this.#blocks.set(node, this.#emitBlock(node, parts));
    this.#flow = flow(this.#nodes, this.#blocks);
  }

  compile(): RegionFunction {
    const first = this.#nodes[0]!;
    for (const slot of slots(this.#flow.get(first)!.live)) this.#locals.register(slot);
    if (this.#nodes.some(needsUnguarded)) this.#unguarded = this.#locals.fixed(32);
    this.#frameBytes = 256 + 16 * this.#locals.types.length;
    this.#prologue(first);
    this.#tree(first);
    const code = this.#tails.wrap(this.#code, this.#locals, this.#frameBytes);
    const spec = { ...local.SIGNATURE, locals: this.#locals.types, code, export: 'region' };
    const imports = [NZCV_OF, ...this.#library.imports()];
    const bytes = encodeModule([spec], { imports, table: true, types: [local.SIGNATURE] });
    return { bytes, library: this.#library.functions };
  }

  /* ------------------------------------------------------------------ the blocks' own code */

  #emitBlock(node: Node, parts: RegionParts): BlockBuilder {
    const { instructions, end } = node.block;
    const builder = new BlockBuilder(parts, this.#incomingFlags(node), this.#incomingDone(node), node.inLoop);
    for (const instruction of instructions) {
      const { flow = 'next' } = instruction.decoded.row;
      if (flow === 'branch' || (flow === 'conditional' && end.kind === 'goto')) builder.skip();
      else builder.add(instruction);
    }
    return builder;
  }

  #lastPage(key: string): LastPage {
    let last = this.#lastPages.get(key);
    if (!last) {
      last = { page: this.#locals.fixed(64), addend: this.#locals.fixed(32) };
      this.#lastPages.set(key, last);
    }
    return last;
  }

  /** Goes on where one other block ends, its count not yet taken. */
  #continues(node: Node): Node | null {
    const [only] = node.predecessors;
    if (!only || node.isMerge || node.isLoop || isCall(only.block.end) || only.block.end.kind === 'jump') return null;
    return only;
  }

  #incomingDone(node: Node): number {
    const before = this.#continues(node);
    return before ? this.#blocks.get(before)!.done : 0;
  }

  #incomingFlags(node: Node): Flags {
    if (node.order === 0 || node.isLoop) return MEMORY;
    const of = node.predecessors.map((from) => (isCall(from.block.end) ? MEMORY : this.#blocks.get(from)!.flags));
    return of.every((flags) => sameFlags(flags, of[0]!)) ? of[0]! : DYNAMIC;
  }

  /* ------------------------------------------------------------------ structure */

  #prologue(first: Node): void {
    const code = this.#code;
    const refuse = () => {
      code.open(OP.if);
      code.i32(packed({ at: this.#entry, done: 0 }));
      code.set(local.EXIT);
      code.br(this.#tails.label('step', NONE, MEMORY));
      code.end();
    };
    if (!first.isLoop) {
      this.#belowLimit(first);
      code.unlikely();
      refuse();
    }
    if ([...this.#blocks.values()].some(({ usesFp }) => usesFp)) {
      code.i32(0);
      code.memory(OP.i32Load, at.FP_TRAPPED);
      code.unlikely();
      refuse();
    }
    emitReload(code, this.#locals, slots(this.#flow.get(first)!.live));
    if (this.#unguarded !== null) {
      emitFetchEntry(code, local.BASE);
      code.memory(OP.i64Load, at.TLB + at.FETCH_TABLE);
      code.get(local.BASE);
      code.op(OPERATORS.eq[64]);
      code.set(this.#unguarded);
    }
    for (const { page } of this.#lastPages.values()) {
      code.i64(-1n);
      code.set(page);
    }
  }

  /** 1 where not more instructions are left than may be done before that is asked again. */
  #belowLimit(node: Node): void {
    this.#code.get(local.COUNT);
    this.#code.i32(this.#flow.get(node)!.longest);
    this.#code.op(leS[32]);
  }

  #tree(node: Node): void {
    const merges = node.children.filter((child) => child.isMerge).sort((a, b) => b.order - a.order);
    if (!node.isLoop) {
      this.#within(node, merges);
      return;
    }
    const code = this.#code;
    this.#loops.set(node, code.open(OP.loop));
    code.i32(packed({ at: node.block.start, done: 0 }));
    code.set(local.EXIT);
    this.#belowLimit(node);
    code.unlikely();
    code.brIf(this.#tails.label('step', this.#flow.get(node)!.dirty, this.#incomingFlags(node)));
    this.#within(node, merges);
    code.end();
  }

  #within(node: Node, merges: readonly Node[]): void {
    const [outermost, ...inner] = merges;
    if (!outermost) {
      this.#content(node);
      return;
    }
    this.#merges.set(outermost, this.#code.open(OP.block));
    this.#within(node, inner);
    this.#code.end();
    this.#tree(outermost);
  }

  #content(node: Node): void {
    const code = this.#code;
    const builder = this.#blocks.get(node)!;
    const { end } = node.block;
    const labels: Record<string, Label> = {};
    if (end.kind === 'conditional') labels[TAKEN] = code.open(OP.block);
    builder.exits.forEach((site, id) => {
      const dirty = this.#flow.get(node)!.dirtyAt(site.defined);
      labels[exitName(id)] = this.#tails.label('step', dirty, site.flags);
    });
    code.append(builder.code, labels);
    switch (end.kind) {
      case 'goto':
        this.#edge(node, end.target);
        return;
      case 'conditional':
        this.#edge(node, end.next);
        code.end();
        this.#edge(node, end.taken);
        return;
      case 'leave':
        this.#flush(node);
        this.#target(end.at);
        code.br(this.#out('jump', node));
        return;
      case 'jump': {
        this.#flush(node);
        const { flow } = node.block.instructions.at(-1)!.decoded.row;
        this.#noteBranch(node);
        if (node.successors.length > 0) this.#dispatch(node);
        code.br(this.#out(flow === 'return' ? 'return' : 'indirect', node));
        return;
      }
      default:
        this.#call(node, end);
    }
  }

  /** What PSTATE.BTYPE is if nothing is done after the block: runtime.ts looks whether that is so. */
  #noteBranch(node: Node): void {
    const code = this.#code;
    const { branchType } = this.#blocks.get(node)!;
    if (branchType === null) return;
    code.i32(0);
    code.get(local.COUNT);
    code.i32(2);
    code.op(OPERATORS.shl[32]);
    code.i32(branchType);
    code.op(OPERATORS.or[32]);
    code.memory(OP.i32Store, at.LAST_BRANCH);
    const { at: where } = node.block.instructions.at(-1)!;
    code.i32(0);
    code.i32(this.#recordOf(where));
    code.memory(OP.i32Store, at.LAST_BRANCH_RECORD);
    if (branchType !== 3) return;
    code.i32(0);
    this.#address(where & -at.PAGE_BYTES);
    code.memory(OP.i64Store, at.BRANCHED_FROM);
  }

  /** An indirect branch within the region; falls through where it goes elsewhere. COUNT is right. */
  #dispatch(node: Node): void {
    const code = this.#code;
    const targets = [...node.successors].sort((a, b) => a.block.start - b.block.start);
    const first = targets[0]!.block.start;
    const places = (targets.at(-1)!.block.start - first) / 4 + 1;
    const elsewhere = code.open(OP.block);
    if (needsUnguarded(node)) {
      code.get(this.#unguarded!);
      code.op(OPERATORS.eqz[32]);
      code.unlikely();
      code.brIf(elsewhere);
    }
    /* Words from the first target on; what is not aligned is beyond all. */
    const index = this.#locals.fixed(64);
    code.get(local.TARGET);
    this.#address(first);
    code.op(sub[64]);
    code.i64(2n);
    code.op(OPERATORS.rotr[64]);
    code.tee(index);
    code.i64(BigInt(places));
    code.op(OPERATORS.geU[64]);
    code.unlikely();
    code.brIf(elsewhere);
    const labels = targets.map(() => code.open(OP.block)).reverse();
    const table = Array.from({ length: places }, () => elsewhere);
    targets.forEach(({ block }, number) => (table[(block.start - first) / 4] = labels[number]!));
    code.get(index);
    code.op(WRAP);
    code.brTable([...table, elsewhere]);
    for (const target of targets) {
      code.end();
      this.#enter(target, node, this.#blocks.get(node)!.flags, () => undefined);
    }
    code.end();
  }

  #out(how: 'return' | 'jump' | 'indirect', node: Node): Label {
    return this.#tails.label(how, this.#flow.get(node)!.dirtyOut, this.#blocks.get(node)!.flags);
  }

  #target(where: Offset): void {
    this.#address(where);
    this.#code.set(local.TARGET);
  }
  #address(where: Offset): void {
    this.#code.get(local.BASE);
    this.#code.i64(BigInt(where));
    this.#code.op(add[64]);
  }

  /** COUNT becomes right. */
  #flush(node: Node): void {
    const { done } = this.#blocks.get(node)!;
    if (done === 0) return;
    this.#code.get(local.COUNT);
    this.#code.i32(done);
    this.#code.op(sub[32]);
    this.#code.set(local.COUNT);
  }

  #edge(node: Node, target: Offset): void {
    const to = node.successors.find(({ block }) => block.start === target);
    if (to) {
      this.#enter(to, node, this.#blocks.get(node)!.flags, () => {
        if (this.#counting || to.order <= node.order) this.#flush(node);
      });
      return;
    }
    this.#flush(node);
    this.#target(target);
    this.#code.br(this.#out('jump', node));
  }

  /** To a block of the region; `flags` are the flags here. */
  #enter(to: Node, from: Node, flags: Flags, flush: () => void): void {
    const code = this.#code;
    const back = to.order <= from.order;
    if (!back && !to.isMerge && !to.isLoop) {
      this.#tree(to);
      return;
    }
    flush();
    if (to.isLoop) emitFlagsToMemory(code, flags);
    else if (this.#incomingFlags(to).kind === 'dynamic' && this.#flow.get(to)!.needsFlags) emitToDynamic(code, flags);
    if (back) code.br(this.#loops.get(to)!);
    else if (to.isMerge) code.br(this.#merges.get(to)!);
    else this.#tree(to);
  }

  /* ------------------------------------------------------------------ calls */

  #call(node: Node, end: Extract<End, { next: Offset }>): void {
    const code = this.#code;
    const { dirtyOut } = this.#flow.get(node)!;
    this.#flush(node);
    emitSpill(code, this.#locals, slots(dirtyOut));
    emitFlagsToMemory(code, this.#blocks.get(node)!.flags);
    const unwind = this.#tails.label('return', NONE, MEMORY);
    const called = code.open(OP.block);
    const indirect = () => {
      code.get(local.EXIT);
      code.callIndirect(0);
      code.set(local.COUNT);
      code.set(local.TARGET);
      code.br(called);
    };
    if (end.kind === 'call') {
      this.#target(end.target);
      const fail = code.open(OP.block);
      if (end.target === this.#entry) {
        emitCall(code, this.#frameBytes, fail, () => {
          code.call(1 + this.#library.functions.length);
          code.set(local.COUNT);
          code.set(local.TARGET);
          code.br(called);
        });
      } else if (this.#recordOf(end.target) !== 0) {
        code.i32(0);
        code.memory(OP.i32Load16U, this.#recordOf(end.target));
        emitRegionNumber(code, fail);
        emitCall(code, this.#frameBytes, fail, indirect);
      } else emitLookup(code, 'jump', (none) => emitCall(code, this.#frameBytes, none, indirect));
      code.end();
    } else {
      this.#noteBranch(node);
      emitLookup(code, 'indirect', (none) => emitCall(code, this.#frameBytes, none, indirect));
    }
    code.br(unwind);
    code.end();
    code.get(local.TARGET);
    this.#address(end.next);
    code.op(ne[64]);
    code.unlikely();
    code.brIf(unwind);
    const to = node.successors.find(({ block }) => block.start === end.next);
    if (!to) {
      code.br(this.#tails.label('jump', NONE, MEMORY));
      return;
    }
    if (!to.isLoop) {
      code.i32(packed({ at: end.next, done: 0 }));
      code.set(local.EXIT);
      this.#belowLimit(to);
      code.unlikely();
      code.brIf(this.#tails.label('step', NONE, MEMORY));
    }
    emitReload(code, this.#locals, slots(this.#flow.get(to)!.live));
    this.#enter(to, node, MEMORY, () => undefined);
  }
}

const needsUnguarded = ({ block: { end }, successors }: Node) =>
  end.kind === 'jump' && !successors.every(({ block }) => isLandingPad(block));

/** BTI j and BTI jc. */
const LANDING_PADS = [0xd503249f, 0xd50324df];
const isLandingPad = ({ instructions }: Block) => LANDING_PADS.includes(instructions[0]!.decoded.word);

const isCall = (end: End): end is Extract<End, { kind: 'call' | 'indirectCall' }> =>
  end.kind === 'call' || end.kind === 'indirectCall';
