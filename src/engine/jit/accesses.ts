/** Memory accesses of a block of a region. */
import type { AccessSpec, Place } from '../../isa/builder.ts';
import { SLOT } from '../../isa/a64/operands.ts';
import { and, constant, eq, ne, shl, type Expr, type Vector, type Width } from '../../isa/expr.ts';
import { loadOpcode, storeOpcode } from '../emit/access.ts';
import * as at from '../layout.ts';
import { OP } from '../wasm/opcodes.ts';
import type { Flags } from './flags.ts';
import { emitRepeatedTranslation, emitTranslation, type LastPage } from './memory.ts';
import { BlockValues, type RegionParts } from './values.ts';

export abstract class BlockAccesses extends BlockValues {
  readonly #repeated: boolean;

  /** `repeated`: control comes here often, in a loop. */
  constructor(parts: RegionParts, flags: Flags, done: number, repeated: boolean) {
    super(parts, flags, done);
    this.#repeated = repeated;
  }

  access(address: Expr, spec: AccessSpec): Place {
    this.impure = true;
    const va = this.let(address);
    const place = this.parts.locals.temporary(32);
    let bound = va.op === 'leaf' ? this.localOf.get(va.id) : undefined;
    if (bound === undefined) {
      bound = this.parts.locals.temporary(64);
      this.emit(va);
      this.code.set(bound);
    }
    const translation = { va: bound, place, spec, miss: this.exit() };
    const last = this.#lastPage(spec);
    if (last) emitRepeatedTranslation(this.code, translation, last);
    else emitTranslation(this.code, translation);
    return { id: place };
  }

  load(place: Place, offset: number, bytes: number, signed: boolean, width: Width): Expr {
    const opcode = loadOpcode(bytes, signed, width);
    return this.leaf(width, () => {
      this.code.get(place.id);
      this.code.memory(opcode, offset);
    });
  }

  store(place: Place, offset: number, bytes: number, value: Expr): void {
    this.impure = true;
    this.code.get(place.id);
    this.emit(value);
    this.code.memory(storeOpcode(bytes, value.width), offset);
  }

  loadVector(place: Place, offset: number): Vector {
    return this.leaf('v128', () => {
      this.code.get(place.id);
      this.code.memory(OP.v128Load, offset);
    });
  }

  storeVector(place: Place, offset: number, value: Vector): void {
    this.impure = true;
    this.code.get(place.id);
    this.emit(value);
    this.code.memory(OP.v128Store, offset);
  }

  setMonitor(place: Place, bytes: number, values: readonly Expr[]): void {
    this.impure = true;
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, this.local(32, place.id));
    this.setState(OP.i32Store, at.MONITOR_BYTES, constant(32, bytes));
    values.forEach((value, half) => this.setState(OP.i64Store, at.MONITOR_VALUE + 8 * half, value));
  }

  monitorHolds(place: Place, bytes: number, values: readonly Expr[]): Expr {
    const held = [
      eq(this.stateValue(32, at.MONITOR_ADDRESS), this.local(32, place.id)),
      eq(this.stateValue(32, at.MONITOR_BYTES), constant(32, bytes)),
      ...values.map((value, half) => eq(this.stateValue(64, at.MONITOR_VALUE + 8 * half), value)),
    ];
    return held.reduce((all, next) => and(all, next));
  }

  clearMonitor(): void {
    this.impure = true;
    this.setState(OP.i32Store, at.MONITOR_ADDRESS, constant(32, 0));
  }

  checkSpAlignment(): void {
    if (!this.isSp('rn')) return;
    const miss = this.exit();
    const low = and(this.register(SLOT.SP), this.stateValue(64, at.SP_ALIGNMENT));
    this.emit(ne(low, constant(64, 0)));
    this.code.unlikely();
    this.code.brOut(OP.brIf, miss);
  }

  crcTable(polynomial: 'crc32' | 'crc32c', byte: Expr): Expr {
    const table = at.CRC + (polynomial === 'crc32' ? 0 : 1024);
    return this.leaf(32, () => {
      this.emit(shl(byte, constant(32, 2)));
      this.code.memory(OP.i32Load, table);
    });
  }

  #lastPage({ access, unprivileged }: AccessSpec): LastPage | null {
    if (!this.#repeated || unprivileged || access === 'readWrite' || !this.decoded.row.operands.rn) return null;
    return this.parts.lastPage(this.slotOf('rn'), access);
  }
}
