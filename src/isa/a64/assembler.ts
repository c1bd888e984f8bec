import { assembleFor, type Assembly, type Target } from '../assembly/assembler.ts';
import type { OperandReader } from '../assembly/reader.ts';
import { A64_ENCODER } from './syntax/index.ts';
import { printRegister, registerByName } from './syntax/registers.ts';

const LITERAL_BYTES: Readonly<Record<string, number>> = { w: 4, x: 8, s: 4, d: 8, q: 16 };

function literalBytes(mnemonic: string, reader: OperandReader): number {
  if (mnemonic !== 'ldr' && mnemonic !== 'ldrsw') return 0;
  const register = registerByName(reader.word);
  reader.next();
  if (!register || !reader.take(',') || !reader.take('=')) return 0;
  return mnemonic === 'ldrsw' ? 4 : (LITERAL_BYTES[register.letter] ?? 0);
}

/** `x99` is nothing, but surely meant as a register, as is `v1.s`; names of scalars (`b1`, `s2`) may be labels. */
const isRegister = (name: string) => /^([wx]\d+|[wx]zr|w?sp|v\d+\.\d*[bhsdq])$/i.test(name);

function registerName(written: string): string | null {
  const name = written.toLowerCase();
  if (/^v(\d|[12]\d|3[01])$/.test(name)) return name;
  const register = registerByName(name);
  return register && printRegister(register.letter, register.number, register.thirtyOne === 'sp');
}

const TARGET: Target = {
  encoder: A64_ENCODER,
  isReserved: isRegister,
  registerName,
  nop: 0xd503201f,
  literalBytes,
};

/** A64 source in GNU as syntax. Never throws; all errors are in the result. */
export function assemble(source: string, options: { readonly origin: bigint }): Assembly {
  return assembleFor(TARGET, source, options);
}
