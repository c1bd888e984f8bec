/** Opcodes of loads and stores by bytes, extension and width of the value; they throw for what WebAssembly has none for. */
import type { Width } from '../../isa/expr.ts';
import { OP } from '../wasm/opcodes.ts';

const LOADS: Readonly<Record<string, number>> = {
  '1u32': OP.i32Load8U,
  '1s32': OP.i32Load8S,
  '2u32': OP.i32Load16U,
  '2s32': OP.i32Load16S,
  '4u32': OP.i32Load,
  '4s32': OP.i32Load,
  '1u64': OP.i64Load8U,
  '1s64': OP.i64Load8S,
  '2u64': OP.i64Load16U,
  '2s64': OP.i64Load16S,
  '4u64': OP.i64Load32U,
  '4s64': OP.i64Load32S,
  '8u64': OP.i64Load,
  '8s64': OP.i64Load,
};
const STORES: Readonly<Record<string, number>> = {
  '1w32': OP.i32Store8,
  '2w32': OP.i32Store16,
  '4w32': OP.i32Store,
  '1w64': OP.i64Store8,
  '2w64': OP.i64Store16,
  '4w64': OP.i64Store32,
  '8w64': OP.i64Store,
};

export function loadOpcode(bytes: number, signed: boolean, width: Width): number {
  const opcode = LOADS[`${bytes}${signed ? 's' : 'u'}${width}`];
  if (opcode === undefined) throw new Error(`no load of ${bytes} bytes to ${width} bits`);
  return opcode;
}

export function storeOpcode(bytes: number, width: Width): number {
  const opcode = STORES[`${bytes}w${width}`];
  if (opcode === undefined) throw new Error(`no store of ${bytes} bytes from ${width} bits`);
  return opcode;
}
