import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IOCTLS, ioctlExists, ioctlNumber, type IoctlRow } from '../abi/ioctls.ts';
import { structLayout } from '../abi/layout.ts';
import { CORE_REGS, coreRegId, NAMED_REGS } from '../abi/onereg.ts';
import { HOST_PRESETS } from '../host/config.ts';
import { boot, type Host } from '../host/host.ts';
import { runToEnd, type Process } from '../host/process.ts';
import { isRefusal } from './refusal.ts';

const ROWS = IOCTLS.filter((row) => ioctlExists(row, 'arm64'));
const BUFFER = 0x20000;
const RUN_REQUEST = ioctlNumber(
  ROWS.find(({ name }) => name === 'KVM_RUN')!,
  'arm64',
);
const MOST_HOLDS = 3;

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

interface Call {
  readonly fd: number;
  readonly row: IoctlRow | number;
  readonly words: readonly number[];
  readonly where: 'buffer' | 'null' | 'high' | 'end' | 'number';
  readonly number: bigint;
}

const wordKind = fc.nat({ max: 23 });

const call: fc.Arbitrary<Call> = fc.record({
  fd: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.constant(1 << 20) }),
  row: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...ROWS) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(...ROWS.filter(({ name }) => /MEMORY_REGION$|VCPU|ONE_REG|KVM_RUN/.test(name))),
    },
    { weight: 1, arbitrary: fc.integer() },
  ),
  words: fc.array(wordKind, { minLength: 4, maxLength: 8 }),
  where: fc.oneof(
    { weight: 12, arbitrary: fc.constant('buffer' as const) },
    { weight: 1, arbitrary: fc.constantFrom('null' as const, 'high' as const, 'end' as const) },
    { weight: 4, arbitrary: fc.constant('number' as const) },
  ),
  number: fc.oneof(fc.bigInt({ min: 0n, max: 64n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
});

const other = fc.constantFrom('close', 'mmap', 'munmap', 'protect', 'signal', 'immediate');

/** Values that structures are filled with: what finds its way past the first checks, and what should not. */
function value(kind: number, buffer: bigint, random: bigint): bigint {
  const IDS = [
    coreRegId(CORE_REGS[32]!),
    coreRegId(CORE_REGS[33]!),
    NAMED_REGS.KVM_REG_ARM_PSCI_VERSION,
    0x6030_0000_0013_c080n,
  ];
  const VALUES = [0n, 1n, 2n, 3n, 4n, 5n, 0x1000n, 0x10000n, 0x4000_0000n, 0x900_0000n, 1n << 40n, 1n << 52n, ~0n];
  if (kind < VALUES.length) return BigInt.asUintN(64, VALUES[kind]!);
  if (kind < VALUES.length + IDS.length) return IDS[kind - VALUES.length]!;
  if (kind < 20) return buffer;
  return kind === 20 ? buffer + 0x10000n : random;
}

function make(process: Process, buffer: bigint, { fd, row, words, where, number }: Call): void {
  const request = typeof row === 'number' ? row : ioctlNumber(row, 'arm64');
  const bytes = new Uint8Array(
    typeof row === 'number' || typeof row.arg === 'string' ? 64 : structLayout(row.arg, 'arm64').size,
  );
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    view.setBigUint64(at, value(words[(at / 8) % words.length]!, buffer, number), true);
  const place = { buffer: buffer + 0x8000n, null: 0n, high: 1n << 53n, end: buffer + BigInt(BUFFER) - 4n, number }[
    where
  ];
  if (where === 'buffer') process.memory.write(place, bytes);
  runToEnd(
    process.ioctl(
      fd,
      request,
      where === 'number' || (request === RUN_REQUEST && where === 'buffer')
        ? request === RUN_REQUEST
          ? 0n
          : number
        : place,
    ),
    MOST_HOLDS,
  );
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
  process.memory.write(buffer + 0x10000n, new Uint8Array(GUEST.buffer));
  send(3, 'KVM_CREATE_VM', 0n);
  put(0n, 0x4000_0000n, 0x10000n, buffer + 0x10000n);
  send(4, 'KVM_SET_USER_MEMORY_REGION', buffer);
  send(4, 'KVM_CREATE_VCPU', 0n);
  put(5n | (4n << 32n), 0n, 0n, 0n);
  send(5, 'KVM_ARM_VCPU_INIT', buffer);
  put(coreRegId(CORE_REGS[32]!), buffer + 16n, 0x4000_0000n);
  send(5, 'KVM_SET_ONE_REG', buffer);
}

function play(host: Host, steps: readonly (Call | string)[]): void {
  const process = host.createProcess();
  host.control.budget = 200;
  host.control.signal = false;
  const area = process.mmap({ length: BUFFER, shared: true });
  if (isRefusal(area)) throw new Error(area.message);
  const buffer = area.address;
  process.open('/dev/kvm');
  prepare(process, buffer);
  const mappings: bigint[] = [];
  for (const step of steps) {
    if (typeof step !== 'string') make(process, buffer, step);
    else if (step === 'close') process.close(4 + (mappings.length % 3));
    else if (step === 'mmap') {
      const mapped = process.mmap({ fd: 5, length: 0x8000, shared: true });
      if (!isRefusal(mapped)) mappings.push(mapped.address);
    } else if (step === 'munmap') process.munmap(mappings.pop() ?? buffer + 0x10000n, 0x4000);
    else if (step === 'protect') process.mprotect(buffer + 0x10000n, 0x4000, { readable: true });
    else if (step === 'signal') host.control.signal = !host.control.signal;
    else for (const address of mappings) process.memory.write(address + 1n, Uint8Array.of(1));
  }
  process.exit();
}

describe('whatever a program calls', () => {
  it.each(HOST_PRESETS.map(({ name, config }) => [name, config] as const))(
    'on %s, no call throws or hangs, and nothing of it stays behind',
    (_name, config) => {
      const host = boot({ ...config, ram: [{ base: 0x4000_0000n, size: 0x0100_0000n }] });
      const free = host.freePages;
      fc.assert(
        fc.property(
          fc.array(fc.oneof({ weight: 6, arbitrary: call }, { weight: 1, arbitrary: other }), {
            minLength: 20,
            maxLength: 80,
          }),
          (steps) => {
            play(host, steps);
            expect(host.freePages).toBe(free);
            expect(host.processes).toEqual([]);
            expect([...host.kvm.vms]).toEqual([]);
          },
        ),
        { numRuns: Number(process.env['STAGE2_FUZZ_RUNS'] ?? 40), seed: 1 },
      );
    },
  );
});
