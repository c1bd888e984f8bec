import { disassemble } from '../../isa/a64/disassembler.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import type { DisassemblyView } from '../messages.ts';
import type { Inspected } from './inspected.ts';
import { locateVa } from './locate.ts';

/** The PC stands after a quarter of the window, so that what comes shows more than what was. */
const BEFORE = 0.25;

export function disassemblyView(
  inspected: Inspected,
  vcpu: Vcpu,
  wanted: bigint | 'pc',
  count: number,
): DisassemblyView {
  const { pc } = vcpu.context;
  const before = BigInt(4 * Math.floor(count * BEFORE));
  const aligned = pc - (pc % 4n);
  const start = wanted === 'pc' ? (aligned > before ? aligned - before : 0n) : wanted - (wanted % 4n);
  const { memory, process, guest, breakpoints } = inspected;
  const lines: DisassemblyView['lines'][number][] = [];
  for (let index = 0; index < count; index++) {
    const address = BigInt.asUintN(64, start + BigInt(4 * index));
    const found = locateVa(memory, vcpu, process, address);
    const offset = found.ok ? memory.offset(found.pa) : -1;
    const word = offset < 0 ? null : memory.lowAt(offset);
    lines.push({
      address,
      word,
      text: word === null ? (found.ok ? 'no RAM' : found.missing) : disassemble(word, address),
      symbol: guest.symbols.get(address) ?? null,
      guestLine: guest.lineAt(address, word),
      breakpoint: breakpoints.has(address),
    });
  }
  return { view: 'disassembly', pc, lines };
}
