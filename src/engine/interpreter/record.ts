/**
 * A predecoded instruction: the handler's number (u16), byte offsets in the state block of its registers (u16 each, upwards),
 * immediates (downwards from the end). A piece of code has its own layout; what fills the places are functions of the site.
 */
import { SLOT } from '../../isa/a64/operands.ts';
import type { Fields, ImmediateOperand, RegisterOperand, Row } from '../../isa/row.ts';
import { RECORD_BYTES, V, X } from '../layout.ts';

/** An instruction in its page. */
export interface Site {
  readonly row: Row;
  readonly fields: Fields;
  /** Of the instruction in its page, in bytes. */
  readonly offset: number;
  /** First record of the page's slot. */
  readonly slot: number;
}

export interface Patch {
  readonly at: number;
  readonly bytes: 2 | 4 | 8;
  readonly value: (site: Site) => number | bigint;
}

/** Where a register slot of isa/a64/operands.ts lies in the state block. */
export function slotOffset(slot: number): number {
  return slot >= SLOT.V0 ? V + 16 * (slot - SLOT.V0) : X + 8 * slot;
}

export function registerSlot(site: Site, operand: RegisterOperand): number {
  const of = site.row.operands[operand];
  if (!of) throw new Error(`${site.row.name} has no operand ${operand}`);
  return of(site.fields);
}

export function immediateValue(site: Site, operand: ImmediateOperand): bigint {
  const of = site.row.operands[operand];
  if (!of) throw new Error(`${site.row.name} has no operand ${operand}`);
  return of(site.fields);
}

export class RecordLayout {
  readonly patches: Patch[] = [];
  readonly #places = new Map<string, number>();
  #up = 2;
  #down: number = RECORD_BYTES;

  register(operand: RegisterOperand): number {
    return this.#place(operand, 2, (site) => slotOffset(registerSlot(site, operand)));
  }
  immediate(operand: ImmediateOperand): number {
    return this.#place(operand, 8, (site) => BigInt.asUintN(64, immediateValue(site, operand)));
  }
  /** The record of the instruction at `imm` from this one, in the same page. */
  target(): number {
    return this.#place('target', 4, (site) => site.slot + (targetOffset(site) / 4) * RECORD_BYTES);
  }

  #place(name: string, bytes: 2 | 4 | 8, value: Patch['value']): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    let at: number;
    if (bytes === 2) {
      at = this.#up;
      this.#up += 2;
    } else {
      this.#down = Math.floor((this.#down - bytes) / bytes) * bytes;
      at = this.#down;
    }
    if (this.#up > this.#down) throw new Error(`a record has no room for ${name}`);
    this.#places.set(name, at);
    this.patches.push({ at, bytes, value });
    return at;
  }
}

/** Offset in the page, negative or beyond it where it is another page's. */
export function targetOffset(site: Site): number {
  return site.offset + Number(immediateValue(site, 'imm'));
}
