/** What the careful function's accesses call: translation of accesses of any alignment, and the end of a write. */
import * as at from '../layout.ts';
import { Code, type Label } from '../wasm/code.ts';
import type { FunctionSpec } from '../wasm/module.ts';
import { I32, I64, OP, OPERATORS, WRAP } from '../wasm/opcodes.ts';
import { ACCESS_ORDERED, ACCESS_READ, ACCESS_WRITE, emitEntry } from './builder.ts';
import { codeNumber, type Code as ExitCode } from './codes.ts';

const { add, sub, and, or, eqz, ne, gtU, leU, shrU } = OPERATORS;

/**
 * translate(va, bytes, unit, flags, tables): where the bytes are, in SCRATCH if they lie in two pages; 0 with the exit's
 * report written if they can't be had. Leaves the pieces for `commit`. `refill` is the number of that function.
 */
export function translateFunction(refill: number): FunctionSpec {
  const [VA, BYTES, UNIT, FLAGS, TABLES] = [0, 1, 2, 3, 4] as const;
  const [HOST, ENTRY, FIRST] = [5, 6, 7] as const;
  const [AT, TAG] = [8, 9] as const;
  const code = new Code();

  const refuse = (exit: ExitCode, address: number) => {
    code.i32(0);
    code.get(address);
    code.memory(OP.i64Store, at.EXIT_VA);
    code.i32(0);
    code.get(BYTES);
    code.memory(OP.i32Store, at.EXIT_BYTES);
    code.i32(0);
    code.get(TABLES);
    code.memory(OP.i32Store, at.EXIT_TABLES);
    code.i32(0);
    code.i32(codeNumber(exit));
    code.memory(OP.i32Store, at.EXIT_CODE);
    code.i32(0);
    code.op(OP.return);
  };
  const refuseAlignment = () => {
    code.get(FLAGS);
    code.i32(ACCESS_READ);
    code.op(and[32]);
    code.open(OP.if);
    refuse('readAlignment', VA);
    code.op(OP.else);
    refuse('writeAlignment', VA);
    code.end();
  };
  const lowBits = (mask: number) => {
    code.get(VA);
    code.op(WRAP);
    code.get(mask);
    code.i32(1);
    code.op(sub[32], and[32]);
  };

  /* Ordered accesses: AArch64.UnalignedAccessFaults() for exclusive, atomic and acquire/release. */
  code.get(FLAGS);
  code.i32(ACCESS_ORDERED);
  code.op(and[32]);
  code.open(OP.if);
  lowBits(BYTES);
  code.open(OP.if);
  code.i32(0);
  code.memory(OP.i32Load, at.LSE2);
  code.op(eqz[32]);
  code.get(VA);
  code.op(WRAP);
  code.i32(15);
  code.op(and[32]);
  code.get(BYTES);
  code.op(add[32]);
  code.i32(16);
  code.op(gtU[32], or[32]);
  code.open(OP.if);
  refuseAlignment();
  code.end();
  code.end();
  code.end();

  /** Leaves HOST for the page of the address in AT, from the last table that the access needs. */
  const lookUp = () => {
    for (const [flag, table, exit] of [
      [ACCESS_READ, at.READ_TABLE, 'readMiss'],
      [ACCESS_WRITE, at.WRITE_TABLE, 'writeMiss'],
    ] as const) {
      code.get(FLAGS);
      code.i32(flag);
      code.op(and[32]);
      code.open(OP.if);
      emitEntry(code, AT);
      code.get(TABLES);
      code.op(add[32]);
      code.tee(ENTRY);
      code.memory(OP.i64Load, at.TLB + table);
      code.tee(TAG);
      code.i64(~BigInt(at.TAG_CODE | at.TAG_ALIGNED));
      code.op(and[64]);
      code.get(AT);
      code.i64(-4096n);
      code.op(and[64], ne[64]);
      code.open(OP.if);
      code.get(AT);
      code.get(TABLES);
      code.i32(table);
      code.op(add[32]);
      code.call(refill);
      code.op(eqz[32]);
      code.open(OP.if);
      refuse(exit, AT);
      code.end();
      code.get(ENTRY);
      code.memory(OP.i64Load, at.TLB + table);
      code.set(TAG);
      code.end();
      code.get(TAG);
      code.i64(BigInt(at.TAG_ALIGNED));
      code.op(and[64], eqz[64], eqz[32]);
      code.open(OP.if);
      lowBits(UNIT);
      code.open(OP.if);
      refuseAlignment();
      code.end();
      code.end();
      code.get(ENTRY);
      code.memory(OP.i32Load, at.TLB + table + 8);
      code.get(AT);
      code.op(WRAP, add[32]);
      code.set(HOST);
      code.get(ENTRY);
      code.memory(OP.i32Load, at.TLB + table + 12);
      code.set(ENTRY);
      code.end();
    }
  };
  const notePiece = (index: number, bytes: () => void) => {
    const piece = at.PIECES + index * at.PIECE_BYTES;
    const store = (offset: number, value: () => void) => {
      code.i32(0);
      value();
      code.memory(OP.i32Store, piece + offset);
    };
    store(0, () => code.get(HOST));
    store(4, bytes);
    store(8, () => code.get(ENTRY));
  };
  const copyIn = (to: () => void, bytes: () => void) => {
    to();
    code.get(HOST);
    bytes();
    code.memoryCopy();
  };

  code.get(VA);
  code.set(AT);
  lookUp();
  /* Bytes of the access in the first page. */
  code.i32(at.PAGE_BYTES);
  code.get(VA);
  code.op(WRAP);
  code.i32(at.PAGE_BYTES - 1);
  code.op(and[32], sub[32]);
  code.set(FIRST);
  code.get(BYTES);
  code.get(FIRST);
  code.op(leU[32]);
  code.open(OP.if);
  notePiece(0, () => code.get(BYTES));
  code.i32(0);
  code.i32(0);
  code.memory(OP.i32Store, at.PIECES + at.PIECE_BYTES + 4);
  code.get(HOST);
  code.op(OP.return);
  code.end();

  const second = () => {
    code.get(BYTES);
    code.get(FIRST);
    code.op(sub[32]);
  };
  notePiece(0, () => code.get(FIRST));
  copyIn(
    () => code.i32(at.SCRATCH),
    () => code.get(FIRST),
  );
  code.get(VA);
  code.i64(-4096n);
  code.op(and[64]);
  code.i64(4096n);
  code.op(add[64]);
  code.set(AT);
  lookUp();
  notePiece(1, second);
  copyIn(() => {
    code.i32(at.SCRATCH);
    code.get(FIRST);
    code.op(add[32]);
  }, second);
  code.i32(at.SCRATCH);
  return { parameters: [I64, I32, I32, I32, I32], results: [I32], locals: [I32, I32, I32, I64, I64], code };
}

/** commit(): copies a write in two pages back from SCRATCH, and forgets the records that any write has overlapped. */
export function commitFunction(): FunctionSpec {
  const [RECORD, END] = [0, 1] as const;
  const code = new Code();
  const piece = (index: number, offset: number) => {
    code.i32(0);
    code.memory(OP.i32Load, at.PIECES + index * at.PIECE_BYTES + offset);
  };
  const copyOut = (index: number, from: () => void) => {
    piece(index, 0);
    from();
    piece(index, 4);
    code.memoryCopy();
  };
  piece(1, 4);
  code.open(OP.if);
  copyOut(0, () => code.i32(at.SCRATCH));
  copyOut(1, () => {
    code.i32(at.SCRATCH);
    piece(0, 4);
    code.op(add[32]);
  });
  code.end();
  for (const index of [0, 1]) {
    piece(index, 4);
    code.open(OP.if);
    piece(index, 8);
    code.open(OP.if);
    /* Records of RECORD_BYTES for words of 4 bytes. */
    const recordOf = (addFurther: () => void) => {
      piece(index, 0);
      code.i32(at.PAGE_BYTES - 1);
      code.op(and[32]);
      addFurther();
      code.i32(2);
      code.op(shrU[32]);
      code.i32(at.RECORD_BYTES);
      code.op(OPERATORS.mul[32]);
      piece(index, 8);
      code.op(add[32]);
    };
    recordOf(() => undefined);
    code.set(RECORD);
    recordOf(() => {
      piece(index, 4);
      code.i32(1);
      code.op(sub[32], add[32]);
    });
    code.set(END);
    const again: Label = code.open(OP.loop);
    code.get(RECORD);
    code.i32(0);
    code.memory(OP.i32Store, 0);
    emitCovered(code, RECORD, () => piece(index, 8));
    code.open(OP.if);
    code.i32(0);
    code.i32(1);
    code.memory(OP.i32Store, at.MODIFIED);
    code.end();
    code.get(RECORD);
    code.i32(at.RECORD_BYTES);
    code.op(add[32]);
    code.tee(RECORD);
    code.get(END);
    code.op(leU[32]);
    code.brIf(again);
    code.end();
    code.end();
    code.end();
  }
  return { parameters: [], results: [], locals: [I32, I32], code };
}

/** Not 0: the record's instruction is part of a region. */
function emitCovered(code: Code, record: number, slot: () => void): void {
  const number = () => {
    code.get(record);
    slot();
    code.op(sub[32]);
    code.i32(Math.log2(at.RECORD_BYTES));
    code.op(shrU[32]);
  };
  slot();
  number();
  code.i32(3);
  code.op(shrU[32], add[32]);
  code.memory(OP.i32Load8U, at.COVERED);
  number();
  code.i32(7);
  code.op(and[32], shrU[32]);
  code.i32(1);
  code.op(and[32]);
}
