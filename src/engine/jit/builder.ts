/** One block of a region: semantics with the constants of its instructions, registers and flags in locals. */
import type { BranchType, Builder, FlagRule, Leave } from '../../isa/builder.ts';
import { constant, eqz, toWidth, type Expr, type Width } from '../../isa/expr.ts';
import { Code } from '../wasm/code.ts';
import { OP } from '../wasm/opcodes.ts';
import { BlockAccesses } from './accesses.ts';
import type { Instruction } from './blocks.ts';
import { asBit, isKnown, knownCarry, knownCondition, knownNzcv, sameFlags, type Flags, type Operand } from './flags.ts';
import { fold } from './fold.ts';
import * as local from './locals.ts';
import { emitToDynamic } from './spill.ts';

/** What a conditional branch's `taken` is called among the outward branches of a block's code. */
export const TAKEN = 'taken';

export class BlockBuilder extends BlockAccesses implements Builder {
  usesFp = false;
  /** PSTATE.BTYPE after the block, if it ends with an indirect branch. */
  branchType: BranchType | null = null;
  /** Semantics left always. */
  left = false;
  #branched = false;

  /** The flags at the end are those of the begin. */
  get passesFlags(): boolean {
    return this.flags === this.incoming;
  }

  /** Emits an instruction. */
  add(instruction: Instruction): void {
    const { row } = instruction.decoded;
    const { execute } = row;
    if (!execute) throw new Error(`${row.name} has no semantics`);
    this.emitInstruction(instruction, () => execute(this));
  }

  override when(condition: Expr, then: () => void, otherwise?: () => void): void {
    const known = fold(condition);
    if (known.op === 'const') {
      (known.value === 0n ? otherwise : then)?.();
      if (this.#branched) this.code.brOut(OP.br, TAKEN);
      this.#branched = false;
      return;
    }
    const bit = this.let(asBit(known));
    const before = this.flags;
    const [first, second] = [this.#arm(then), this.#arm(otherwise ?? (() => undefined))];
    if (first.branched && first.code.length === 0 && !otherwise) {
      this.emit(bit);
      this.code.brOut(OP.brIf, TAKEN);
      return;
    }
    if (!first.impure && !second.impure) {
      this.code.include(first.code);
      this.code.include(second.code);
      this.flags = sameFlags(first.flags, second.flags)
        ? first.flags
        : { kind: 'choice', condition: this.#operand(bit), then: first.flags, otherwise: second.flags };
      if (!isKnown(this.flags) && this.flags.kind === 'choice') this.#spreadFlags(bit, first.flags, second.flags);
      return;
    }
    const together = sameFlags(first.flags, second.flags);
    if (!together) this.useFlags(before);
    const finish = ({ code, flags, branched }: typeof first) => {
      this.code.include(code);
      if (!together) emitToDynamic(this.code, flags);
      if (branched) this.code.brOut(OP.br, TAKEN);
    };
    this.emit(bit);
    this.code.open(OP.if);
    finish(first);
    if (second.code.length > 0 || !together) {
      this.code.op(OP.else);
      finish(second);
    }
    this.code.end();
    this.flags = together ? first.flags : { kind: 'dynamic' };
  }

  condition(cond: number): Expr {
    return knownCondition(cond, this.#knownFlags(), (operand) => this.#valueOf(operand));
  }

  carry(width: Width): Expr {
    return toWidth(
      width,
      knownCarry(this.#knownFlags(), (operand) => this.#valueOf(operand)),
    );
  }

  nzcv(): Expr {
    return knownNzcv(this.#knownFlags(), (operand) => this.#valueOf(operand));
  }

  setFlags(rule: FlagRule, a: Expr, b?: Expr, carry?: Expr): void {
    const operand = (value: Expr | undefined) => this.#operand(value ?? constant(a.width, 0));
    this.flags = { kind: 'rule', rule, a: operand(a), b: operand(b), carry: operand(carry) };
  }

  setNzcv(value: Expr): void {
    this.flags = { kind: 'nzcv', value: this.#operand(this.let(value)) };
  }

  /** Who enters a region with such instructions has to see that they are not trapped. */
  checkFp(): void {
    this.usesFp = true;
  }

  branch(): void {
    this.#branched = true;
  }

  jump(address: Expr, type?: BranchType): void {
    this.branchType = type ?? null;
    this.emit(address);
    this.code.set(local.TARGET);
  }

  leave(_kind: Leave): void {
    this.left = true;
  }

  leaveUnless(condition: Expr): void {
    const miss = this.exit();
    this.emit(eqz(condition));
    this.code.unlikely();
    this.code.brOut(OP.brIf, miss);
  }

  #operand(value: Expr): Operand {
    const folded = fold(value);
    if (folded.op === 'const') return folded;
    const known = folded.op === 'leaf' ? this.localOf.get(folded.id) : undefined;
    if (known !== undefined) return { op: 'local', width: folded.width, local: known };
    const bound = this.let(folded);
    if (bound.op !== 'leaf') throw new Error('a bound value is a leaf');
    return { op: 'local', width: bound.width, local: this.localOf.get(bound.id)! };
  }

  #valueOf(operand: Operand): Expr {
    return operand.op === 'const' ? operand : this.local(operand.width, operand.local);
  }

  /** The flags, asked from outside where their rule is not known here. */
  #knownFlags(): Flags {
    this.useFlags(this.flags);
    if (isKnown(this.flags)) return this.flags;
    if (this.flags.kind === 'choice') throw new Error('a choice is of known flags');
    const index = this.parts.locals.temporary(32);
    if (this.flags.kind === 'memory') {
      this.code.i32(0);
      this.code.i64(0n);
      this.code.i64(0n);
      this.code.i64(0n);
    } else for (const one of [local.FLAG_KIND, local.FLAG_A, local.FLAG_B, local.FLAG_C]) this.code.get(one);
    this.code.call(this.parts.nzcvOf);
    this.code.set(index);
    this.flags = { kind: 'nzcv', value: { op: 'local', width: 32, local: index } };
    return this.flags;
  }

  #spreadFlags(bit: Expr, then: Flags, otherwise: Flags): void {
    this.useFlags(this.incoming);
    this.emit(bit);
    this.code.open(OP.if);
    emitToDynamic(this.code, then);
    this.code.op(OP.else);
    emitToDynamic(this.code, otherwise);
    this.code.end();
    this.flags = { kind: 'dynamic' };
  }

  /** One side of a `when`, apart from the rest. */
  #arm(body: () => void): { code: Code; flags: Flags; impure: boolean; branched: boolean } {
    const [code, flags, impure, branched] = [this.code, this.flags, this.impure, this.#branched];
    this.code = new Code();
    this.impure = false;
    this.#branched = false;
    this.depth++;
    body();
    this.depth--;
    const arm = {
      code: this.code,
      flags: this.flags,
      impure: this.impure || this.#branched,
      branched: this.#branched,
    };
    this.code = code;
    this.flags = flags;
    this.impure = impure || arm.impure;
    this.#branched = branched;
    return arm;
  }
}
