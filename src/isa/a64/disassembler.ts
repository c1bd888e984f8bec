import { A64_DISASSEMBLER } from './syntax/index.ts';
import { decode } from './table.ts';

/** As `objdump -d` of binutils 2.40 prints it, with a tab behind the mnemonic and before a comment; targets have no symbol. */
export function disassemble(word: number, address: bigint): string {
  const decoded = decode(word);
  if (decoded) return A64_DISASSEMBLER.print(decoded, address);
  return `.inst\t0x${(word >>> 0).toString(16).padStart(8, '0')} // undefined`;
}
