import { describe, expect, it } from 'vitest';
import { sysregId } from '../abi/onereg.ts';
import { ioctlByName, ioctlNumber } from '../abi/ioctls.ts';
import { Random } from '../machine/difftest/random.ts';
import { isRefusal } from '../kvm/refusal.ts';
import { TestVmm } from './testing.ts';

const RAM = 0x4000_0000;
const RAM_SIZE = 0x20_0000;
const PAGE = 0x1000;
const CODE_WORDS = 1024;
const TABLES = 0x10000;
const TABLE_PAGES = 16;
const MMIO = 0x900_0000n;
const KVM_RUN = ioctlNumber(ioctlByName('KVM_RUN')!, 'arm64');
const CALLS = 6;
const HOLDS = 8;
const RUNS = Number(process.env['STAGE2_FUZZ_RUNS'] ?? 5);

const id = (crn: number, crm: number, op2: number) => sysregId({ op0: 3, op1: 0, crn, crm, op2 });
const REGISTER = {
  SCTLR_EL1: id(1, 0, 0),
  TTBR0_EL1: id(2, 0, 0),
  TTBR1_EL1: id(2, 0, 1),
  TCR_EL1: id(2, 0, 2),
  MAIR_EL1: id(10, 2, 0),
  VBAR_EL1: id(12, 0, 0),
} as const;

const T0SZ_25 = 25n | (25n << 16n) | (2n << 30n);
const MMU_ON = 0x30d0_0801n;

/** Any word, but more often one that does something: system instructions, ERET, exclusives, DC ZVA, translation registers. */
function word(random: Random): number {
  const any = random.u32();
  return random.pick([
    any,
    0xd500_0000 | (any & 0x003f_ffff),
    0xd518_0000 | (any & 0x0020_ffff),
    0xd508_0000 | (any & 0x0007_ffff),
    0xd69f_03e0,
    0xf940_0000 | (any & 0x003f_ffff),
    0xb800_0000 | (any & 0x00df_ffff),
    0xc800_0000 | (any & 0x007f_ffff),
    0xa900_0000 | (any & 0x007f_ffff),
    0xd50b_7420 | (any & 0x1f),
    0xd518_2000 | (any & 0x5f),
    0xd518_c000 | (any & 0x1f),
    0x1400_0000 | (any & 0x3ff),
    0xd400_0002,
    0xd503_207f,
  ]);
}

/** A descriptor that leads to a table, to the code, to a device, out of the slots or out of the physical addresses. */
function descriptor(random: Random): bigint {
  const table = BigInt(RAM + TABLES + PAGE * random.below(TABLE_PAGES));
  const place = random.pick([table, table, BigInt(RAM), MMIO, 1n << 47n, BigInt(random.u32()) << 16n]);
  return place | random.pick([3n, 3n, 1n, 0n, 0x703n, 0x701n, 0x743n]) | (BigInt(random.below(4)) << 53n);
}

function memoryOf(random: Random): Uint8Array {
  const bytes = new Uint8Array(RAM_SIZE);
  const view = new DataView(bytes.buffer);
  for (let n = 0; n < CODE_WORDS; n++) view.setUint32(4 * n, word(random) >>> 0, true);
  for (let at = TABLES; at < TABLES + TABLE_PAGES * PAGE; at += 8) view.setBigUint64(at, descriptor(random), true);
  // Of the first table, one entry that maps the code where it is: with it the MMU can be turned on.
  view.setBigUint64(TABLES + 8, BigInt(RAM) | 0x701n, true);
  return bytes;
}

/** A guest of random code and tables, run and interfered with; all that its VMM can see of it. */
function play(host: string, seed: number): unknown[] {
  const random = new Random(seed * 104_729);
  const vmm = new TestVmm(host);
  const { process, host: booted } = vmm;
  const seen: unknown[] = [];
  booted.onIoctl = { after: (call, result) => seen.push([call.request, call.arg, { ...result }]) };
  vmm.createVm(random.pick([0, 32, 36, 40]));
  const ram = vmm.map(RAM_SIZE, { shared: random.below(2) === 1 });
  process.memory.write(ram, memoryOf(random));
  vmm.slot(0, RAM, RAM_SIZE, ram, random.pick([0, 0, 1, 2]));
  const { fd, vcpu, run } = vmm.vcpu();
  const anywhere = () =>
    random.pick([BigInt(RAM + random.below(RAM_SIZE)), MMIO + BigInt(random.below(PAGE)), random.interesting()]);
  for (let n = 0; n < 31; n++) vmm.setCore(fd, `x${n}`, BigInt.asUintN(64, anywhere()));
  vmm.setCore(fd, 'pstate', random.pick([0x3c5n, 0x3c4n, 0x3c0n, 5n, 0n]));
  vmm.setCore(fd, 'pc', random.pick([BigInt(RAM), BigInt(RAM + 4 * random.below(CODE_WORDS)), anywhere()]));
  const root = random.pick([BigInt(RAM + TABLES), BigInt(RAM + TABLES + 1), BigInt(RAM), MMIO, random.interesting()]);
  for (const [name, value] of [
    ['TTBR0_EL1', root],
    ['TTBR1_EL1', random.pick([root, random.interesting()])],
    ['TCR_EL1', random.pick([T0SZ_25, T0SZ_25, random.interesting(), 63n, 16n | (1n << 59n), 39n | (1n << 14n)])],
    ['MAIR_EL1', random.pick([0xffn, 0n, random.interesting()])],
    ['VBAR_EL1', random.pick([BigInt(RAM), BigInt(RAM + 0x800), MMIO, random.interesting()])],
    ['SCTLR_EL1', random.pick([MMU_ON, MMU_ON, MMU_ON - 1n, 0xffff_ffffn, random.interesting()])],
  ] as const) {
    vmm.setReg(fd, REGISTER[name], BigInt.asUintN(64, value));
  }
  const { control } = booted;
  control.budget = random.pick([1, 50, 1000]);
  for (let n = 0; n < CALLS; n++) {
    let before = booted.machine.instructions;
    const call = process.ioctl(fd, KVM_RUN, 0n);
    let step = call.next();
    for (let holds = 0; !step.done && holds < HOLDS; holds++) {
      // What KVM does in the guest's stead may come on top of the slice.
      expect(booted.machine.instructions - before).toBeLessThanOrEqual(control.budget + 1);
      before = booted.machine.instructions;
      step = call.next();
    }
    if (!step.done) call.return({ ret: 0 });
    seen.push(vcpu.context.bytes.slice(), booted.machine.instructions, vmm.runStruct(run).exit_reason);
    if (step.done && isRefusal(step.value) && step.value.errno !== 'EINTR') break;
    // The VMM takes memory away, writes into kvm_run and moves on.
    const part = ram + BigInt(PAGE * random.below(64));
    const access = { readable: random.below(2) === 1, writable: random.below(2) === 1 };
    if (random.below(4) === 0) process.mprotect(part, 16 * PAGE, access);
    if (random.below(8) === 0) process.munmap(ram + BigInt(TABLES), TABLES);
    if (random.below(4) === 0)
      process.memory.write(run + BigInt(random.below(64)), new Uint8Array(8).fill(random.u32()));
    vmm.setCore(fd, 'pc', BigInt(RAM + 4 * random.below(CODE_WORDS)));
  }
  process.exit();
  return seen;
}

describe('a guest of random code, tables and registers', () => {
  it.each(['max-4k', 'max-16k', 'a57-4k'])(
    'on %s throws nothing, keeps to its budget, and goes the same way again',
    (host) => {
      for (let seed = 1; seed <= RUNS; seed++) {
        const seen = play(host, seed);
        expect(seen.length).toBeGreaterThan(CALLS);
        expect(play(host, seed)).toEqual(seen);
      }
    },
  );
});
