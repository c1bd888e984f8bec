import fc from 'fast-check';
import { ARM_VCPU_FEATURES } from '../abi/constants.ts';
import { ioctlExists, ioctlNumber, IOCTLS, type IoctlRow } from '../abi/ioctls.ts';
import { structLayout, type Field, type Layout } from '../abi/layout.ts';
import { CORE_REGS, coreRegId, NAMED_REGS, sysregId } from '../abi/onereg.ts';
import { SIGNALS } from '../abi/posix.ts';
import type { Host } from './host.ts';
import { runToEnd, type Process } from './process.ts';
import type { Descriptor } from '../kvm/descriptor.ts';
import { isRefusal } from '../kvm/refusal.ts';
import { signalSet } from '../kvm/signals.ts';

/** Random programs of ioctls: numbers and structures by the ABI's tables, filled with what gets past the first checks, and what does not. */

const ROWS = IOCTLS.filter((row) => ioctlExists(row, 'arm64'));
/** The ioctls by which a program gets on, so that it does. */
const USEFUL = ROWS.filter(({ name }) => /MEMORY_REGION|CREATE_V|VCPU_INIT|ONE_REG|KVM_RUN|ENABLE_CAP/.test(name));
const BUFFER = 0x20000;
const STRUCTURE = 0x8000n;
const GUEST_CODE = 0x10000n;
const MOST_HOLDS = 3;
const SLICE = 200;

/** A guest that does some of everything: memory, MMIO, a hypercall, WFI, jumps nowhere. Encoded by binutils. */
const GUEST = new Uint32Array([
  0xd2a80000, // mov x0, #0x40000000
  0xf9400001, // ldr x1, [x0]
  0xf9000001, // str x1, [x0]
  0xd2a12000, // mov x0, #0x9000000
  0xb9000001, // str w1, [x0]
  0x39400002, // ldrb w2, [x0]
  0xd2b08000, // mov x0, #0x84000000
  0xd4000002, // hvc #0
  0xd51be340, // msr cntv_cval_el0, x0
  0xd2800023, // mov x3, #1
  0xd51be323, // msr cntv_ctl_el0, x3
  0xd503207f, // wfi
  0xd61f0020, // br x1
]);

const core = (name: string): bigint => coreRegId(CORE_REGS.find((reg) => reg.name === name)!);

const NUMBERS: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 4n, 5n, 7n, 8n, 16n, 32n, 64n, 0x1000n, 0x4000n, 0x10000n, 0x20_0000n],
  ...[0x4000_0000n, 0x4001_0000n, 0x900_0000n, 0x3000_0000n, 1n << 40n, 1n << 48n, 1n << 52n, (1n << 64n) - 1n],
  ...[0xffff_ffffn, 0x8000_0000n, 0x7fff_ffffn, (1n << 63n) - 1n],
  BigInt(1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2),
  BigInt(1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PMU_V3),
];

const REGISTERS: readonly bigint[] = [
  ...CORE_REGS.map(coreRegId),
  ...Object.values(NAMED_REGS),
  ...[0, 1, 2, 4, 5, 6, 7].flatMap((crm) => [0, 1].map((op2) => sysregId({ op0: 3, op1: 0, crn: 0, crm, op2 }))),
  sysregId({ op0: 3, op1: 0, crn: 1, crm: 0, op2: 0 }),
  sysregId({ op0: 3, op1: 3, crn: 9, crm: 12, op2: 0 }),
];

/** What a call is made of; taken apart when it is made, as it depends on what there is by then. */
export interface Call {
  readonly row: IoctlRow | number;
  /** Which of the descriptors of the right kind, or, one in a few, any number. */
  readonly descriptor: number;
  readonly choices: readonly number[];
  readonly argument: 'structure' | 'number' | 'nowhere' | 'edge';
}

const choice = fc.nat({ max: 0xffff });
const call: fc.Arbitrary<Call> = fc.record({
  row: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ROWS) },
    { weight: 10, arbitrary: fc.constantFrom(...USEFUL) },
    { weight: 1, arbitrary: fc.integer() },
  ),
  descriptor: choice,
  choices: fc.array(choice, { minLength: 8, maxLength: 24 }),
  argument: fc.oneof(
    { weight: 16, arbitrary: fc.constant('structure' as const) },
    { weight: 2, arbitrary: fc.constant('number' as const) },
    { weight: 1, arbitrary: fc.constantFrom('nowhere' as const, 'edge' as const) },
  ),
});
const OTHER = ['close', 'mmap', 'munmap', 'protect', 'signal', 'immediate', 'eventfd', 'read'] as const;
export type Step = Call | (typeof OTHER)[number];

export const programs: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 8, arbitrary: call }, { weight: 1, arbitrary: fc.constantFrom(...OTHER) }),
  { minLength: 20, maxLength: 80 },
);

/** Choices one after the other, over and over. */
class Dice {
  readonly #choices: readonly number[];
  #at = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  next(below: number): number {
    const value = this.#choices[this.#at++ % this.#choices.length] ?? 0;
    // The same few choices must not mean the same for every field.
    return (value + 7919 * this.#at) % below;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.next(from.length)]!;
  }
}

type Member = Pick<Field, 'name' | 'shown'>;

/** A value for a member: of its own flags or values, an address, or a number that means something somewhere. */
function value(dice: Dice, { name, shown }: Member, size: number, buffer: bigint): bigint {
  const kind = dice.next(10);
  if (kind > 1 && /addr$|bitmap/.test(name))
    return buffer + dice.pick([0n, STRUCTURE, GUEST_CODE, BigInt(BUFFER) - 8n]);
  if (kind > 1 && name === 'id' && size === 8) return dice.pick(REGISTERS);
  if (typeof shown === 'object' && kind < 6) {
    if ('flags' in shown) {
      const flags = Object.values(shown.flags).map(BigInt);
      return flags.reduce((all, flag) => (dice.next(3) === 0 ? all | flag : all), 0n);
    }
    if ('values' in shown && Object.keys(shown.values).length > 0)
      return BigInt(dice.pick(Object.values(shown.values)));
  }
  if (shown === 'padding') return dice.next(100) === 0 ? 1n : 0n;
  if (kind < 4) return 0n;
  return kind < 6 ? BigInt(dice.next(16)) : dice.pick(NUMBERS);
}

function fill(dice: Dice, view: DataView, at: number, layout: Layout, field: Member, buffer: bigint): void {
  if (layout.kind === 'array') {
    for (let n = 0; n < layout.count; n++) fill(dice, view, at + n * layout.of.size, layout.of, field, buffer);
  } else if (layout.kind === 'scalar') {
    let rest =
      layout.scalar === 'pointer' ? buffer + dice.pick([0n, GUEST_CODE]) : value(dice, field, layout.size, buffer);
    for (let n = 0; n < layout.size; n++, rest >>= 8n) view.setUint8(at + n, Number(rest & 0xffn));
  } else {
    for (const placed of layout.fields) fill(dice, view, at + placed.offset, placed.layout, placed.field, buffer);
  }
}

function descriptorFor(process: Process, { row, descriptor }: Call): number {
  const open = process.descriptors();
  const kinds: readonly Descriptor['kind'][] = typeof row === 'number' ? [] : row.on;
  const fitting = open.filter(([, { kind }]) => kinds.includes(kind));
  const from = fitting.length === 0 || descriptor % 8 === 0 ? open : fitting;
  // The first is the one that the program began with, which can do most.
  if (descriptor % 8 > 4) return from[0]?.[0] ?? -1;
  return descriptor % 61 === 0 ? descriptor : (from[descriptor % Math.max(1, from.length)]?.[0] ?? -1);
}

function make(process: Process, buffer: bigint, step: Call): void {
  const { row, choices, argument } = step;
  const dice = new Dice(choices);
  const request = typeof row === 'number' ? row : ioctlNumber(row, 'arm64');
  const place = { structure: buffer + STRUCTURE, number: 0n, nowhere: 1n << 53n, edge: buffer + BigInt(BUFFER) - 4n };
  let arg = argument === 'number' ? dice.pick(NUMBERS) : place[argument];
  if (typeof row !== 'number' && row.arg === 'none' && argument === 'structure') arg = 0n;
  else if (typeof row !== 'number' && row.arg === 'value' && argument === 'structure') arg = BigInt(dice.next(64));
  else if (typeof row !== 'number' && typeof row.arg === 'object' && argument === 'structure') {
    const layout = structLayout(row.arg, 'arm64');
    const view = new DataView(new ArrayBuffer(layout.size));
    fill(dice, view, 0, layout, { name: '' }, buffer);
    process.memory.write(arg, new Uint8Array(view.buffer));
  }
  runToEnd(process.ioctl(descriptorFor(process, step), request, arg), MOST_HOLDS);
}

/** A VM with memory, and a vCPU that can run, so that random calls get further than their first check. */
function prepare(process: Process, buffer: bigint): void {
  const send = (fd: number, name: string, arg: bigint) =>
    runToEnd(
      process.ioctl(
        fd,
        ioctlNumber(
          ROWS.find((row) => row.name === name)!,
          'arm64',
        ),
        arg,
      ),
    );
  const put = (...words: bigint[]) => process.memory.write(buffer, new Uint8Array(BigUint64Array.from(words).buffer));
  process.memory.write(buffer + GUEST_CODE, new Uint8Array(GUEST.buffer));
  send(3, 'KVM_CREATE_VM', 0n);
  put(0n, 0x4000_0000n, 0x10000n, buffer + GUEST_CODE);
  send(4, 'KVM_SET_USER_MEMORY_REGION', buffer);
  send(4, 'KVM_CREATE_VCPU', 0n);
  put(5n | (4n << 32n), 0n, 0n, 0n);
  send(5, 'KVM_ARM_VCPU_INIT', buffer);
  put(core('pc'), buffer + 16n, 0x4000_0000n);
  send(5, 'KVM_SET_ONE_REG', buffer);
}

/** Plays a program in a process of its own and ends the process; gives how many ioctls it made. */
export function play(host: Host, steps: readonly Step[]): number {
  const process = host.createProcess();
  host.control.budget = SLICE;
  host.control.signals = 0n;
  const area = process.mmap({ length: BUFFER, shared: true });
  if (isRefusal(area)) throw new Error(area.message);
  const buffer = area.address;
  process.open('/dev/kvm');
  prepare(process, buffer);
  const mappings: bigint[] = [];
  let calls = 0;
  for (const step of steps) {
    switch (step) {
      case 'close':
        process.close(4 + (mappings.length % 3));
        break;
      case 'mmap': {
        const mapped = process.mmap({ fd: 5, length: 0x8000, shared: true });
        if (!isRefusal(mapped)) mappings.push(mapped.address);
        break;
      }
      case 'munmap':
        process.munmap(mappings.pop() ?? buffer + GUEST_CODE, 0x4000);
        break;
      case 'protect':
        process.mprotect(buffer + GUEST_CODE, 0x4000, { readable: true });
        break;
      case 'signal':
        host.control.signals ^= signalSet(SIGNALS.SIGUSR1);
        break;
      case 'immediate':
        for (const address of mappings) process.memory.write(address + 1n, Uint8Array.of(1));
        break;
      case 'eventfd':
        process.eventfd(0);
        break;
      case 'read':
        for (const [fd] of process.descriptors()) process.read(fd, 4096);
        break;
      default:
        make(process, buffer, step);
        calls++;
    }
  }
  process.exit();
  return calls;
}

/** What a program has left behind in the host; '' where it is nothing. */
export function leftovers(host: Host, freePages: number): string {
  if (host.freePages !== freePages) return `${freePages - host.freePages} pages`;
  if (host.processes.length > 0) return `${host.processes.length} processes`;
  return host.kvm.vms.size > 0 ? `${host.kvm.vms.size} VMs` : '';
}
