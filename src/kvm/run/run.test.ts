import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { NAMED_REGS, sysregId } from '../../abi/onereg.ts';
import { runToEnd } from '../../host/process.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import { isRefusal } from '../refusal.ts';

const RAM = 0x4000_0000;
const RAM_SIZE = 0x20000;
const KVM_RUN = 0xae80;
const VBAR_EL1 = sysregId({ op0: 3, op1: 0, crn: 12, crm: 0, op2: 0 });
const OFF = 'movz x0, #0x8400, lsl #16\n movk x0, #8\n hvc #0\n b .\n';
const EXIT = { MMIO: 6, INTR: 10, SYSTEM_EVENT: 24, NISV: 28, HYPERCALL: 3, DIRTY_RING_FULL: 31 } as const;

/** Vectors that write their offset, ESR, FAR and ELR to the UART's page, then switch off. */
const VECTORS = Array.from(
  { length: 16 },
  (_, n) => `.org ${0x1000 + 0x80 * n}
   movz x30, #0x0900, lsl #16
   mov x29, #${0x80 * n}
   str x29, [x30]
   mrs x29, esr_el1
   str x29, [x30]
   mrs x29, far_el1
   str x29, [x30]
   ${OFF}`,
).join('\n');

function guest(source: string, options: { host?: string; type?: number; vectors?: boolean } = {}) {
  const vmm = new TestVmm(options.host);
  const vm = vmm.createVm(options.type ?? 0);
  const { bytes, errors, symbols } = assemble(options.vectors ? source + VECTORS : source, { origin: BigInt(RAM) });
  expect(errors).toEqual([]);
  const ram = vmm.map(RAM_SIZE, { address: 0x1_0000_0000n });
  vmm.process.memory.write(ram, bytes);
  expect(vmm.slot(0, RAM, RAM_SIZE, ram)).toEqual({ ret: 0 });
  const { fd, vcpu, run } = vmm.vcpu();
  vmm.setCore(fd, 'pc', BigInt(RAM));
  if (options.vectors) vmm.setReg(fd, VBAR_EL1, BigInt(RAM + 0x1000));
  const step = () => {
    const result = vmm.ioctl(fd, 'KVM_RUN');
    if (isRefusal(result)) return result.errno;
    const { exit_reason: reason, mmio, system_event: event, arm_nisv: nisv } = vmm.runStruct(run);
    switch (reason) {
      case EXIT.MMIO: {
        const value = new DataView(mmio.data.slice().buffer).getBigUint64(0, true);
        return { at: mmio.phys_addr, len: mmio.len, write: mmio.is_write === 1, value };
      }
      case EXIT.SYSTEM_EVENT:
        return { event: event.type };
      case EXIT.NISV:
        return { nisv: nisv.fault_ipa, iss: nisv.esr_iss };
      default:
        return { reason };
    }
  };
  const reply = (value: bigint) =>
    vmm.process.memory.write(run + 0x28n, new Uint8Array(BigUint64Array.of(value).buffer));
  return { vmm, vm, fd, vcpu, run, ram, step, reply, symbols };
}

const OFF_EVENT = { event: 1 };

describe('memory', () => {
  it('is mapped when it is touched, as stage 2 descriptors in host memory', () => {
    const { vm, step } = guest(`movz x1, #0x4001, lsl #16\n str x1, [x1]\n ldr x2, [x1]\n ${OFF}`);
    expect(vm.stage2.table.lookup(RAM)?.valid).toBe(false);
    expect(step()).toEqual(OFF_EVENT);
    const code = vm.stage2.table.lookup(RAM)!;
    const data = vm.stage2.table.lookup(RAM + 0x10000)!;
    const { memory } = vm.kvm.host;
    expect(memory.read64(code.at)).toBe(code.value);
    // S2AP, XN (no execution was asked of the data), AF, MemAttr with FWB; LPA2 has no SH in the descriptor.
    expect(data.value & ~0x3_ffff_ffff_f000n).toBe(0x0040_0000_0000_04dbn);
    expect((code.value >> 54n) & 1n).toBe(0n);
    expect(memory.read64(data.output)).toBe(BigInt(RAM + 0x10000));
  });

  it('is a block where one host mapping covers it and alignments agree', () => {
    const vmm = new TestVmm();
    const vm = vmm.createVm();
    const size = 4 << 20;
    const hva = vmm.map(size, { shared: false, address: 0x2_0000_0000n });
    vmm.slot(0, 0x8000_0000, size, hva);
    const { fd } = vmm.vcpu();
    vmm.process.memory.write(hva, assemble(OFF, { origin: 0n }).bytes);
    vmm.setCore(fd, 'pc', 0x8000_0000n);
    vmm.ioctl(fd, 'KVM_RUN');
    expect(vm.stage2.table.lookup(0x8000_0000)).toMatchObject({ level: 2, size: 2 << 20, valid: true });
    // A slot whose address is otherwise aligned than its IPA gets pages.
    expect(vmm.slot(0, 0x8000_0000, 0, hva)).toEqual({ ret: 0 });
    expect(vm.stage2.mappedBytes(0, 2 ** 40)).toBe(0);
    vmm.slot(0, 0x8000_1000, size, hva);
    vmm.setCore(fd, 'pc', 0x8000_1000n);
    vmm.ioctl(fd, 'KVM_SET_MP_STATE', vmm.scratch + 0x8000n);
    vmm.ioctl(fd, 'KVM_RUN');
    expect(vm.stage2.table.lookup(0x8000_1000)).toMatchObject({ level: 3, valid: true });
  });

  it('that the process unmaps goes from stage 2, and a touch is EFAULT', () => {
    const { vmm, vm, step, ram } = guest(
      `again: movz x1, #0x4001, lsl #16\n ldr x2, [x1]\n movz x3, #0x0900, lsl #16\n str x2, [x3]\n b again`,
    );
    expect(step()).toMatchObject({ at: 0x900_0000n });
    expect(vm.stage2.table.lookup(RAM + 0x10000)?.valid).toBe(true);
    vmm.process.munmap(ram + 0x10000n, 0x1000);
    expect(vm.stage2.table.lookup(RAM + 0x10000)?.valid).toBe(false);
    expect(step()).toBe('EFAULT');
  });

  it('of a read-only slot is read, and a write to it is userspace’s', () => {
    const { vmm, step } = guest(
      `movz x1, #0x5000, lsl #16\n ldr x2, [x1]\n movz x3, #0x0900, lsl #16\n str x2, [x3]\n str w3, [x1, #8]\n ${OFF}`,
    );
    const rom = vmm.map(0x1000);
    vmm.process.memory.write(rom, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    vmm.slot(1, 0x5000_0000, 0x1000, rom, 2);
    expect(step()).toMatchObject({ at: 0x900_0000n, value: 0x0807_0605_0403_0201n });
    expect(step()).toMatchObject({ at: 0x5000_0008n, len: 4, write: true });
    expect(step()).toEqual(OFF_EVENT);
  });

  it('is logged page by page when it is written', () => {
    const { vmm, step, ram } = guest(
      `movz x1, #0x4001, lsl #16\n str x1, [x1]\n movz x3, #0x0900, lsl #16\n str x2, [x3]\n str x1, [x1]\n ${OFF}`,
    );
    expect(vmm.slot(0, RAM, RAM_SIZE, ram, 1)).toEqual({ ret: 0 });
    step();
    const log = () => {
      vmm.process.memory.write(vmm.scratch, new Uint8Array(BigUint64Array.of(0n, vmm.scratch + 0x80n).buffer));
      expect(vmm.answer(vmm.vm, 'KVM_GET_DIRTY_LOG', vmm.scratch)).toBe(0);
      return new DataView(vmm.process.memory.read(vmm.scratch + 0x80n, 8)!.buffer).getBigUint64(0, true);
    };
    expect(log()).toBe(1n << 16n);
    expect(log()).toBe(0n);
    step();
    expect(log()).toBe(1n << 16n);
  });

  it('is logged in a ring that has to be harvested', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    expect(vmm.enable(CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 4096n)).toEqual({ ret: 0 });
    const pages = 256;
    const ram = vmm.map(pages * 4096, { address: 0x1_0000_0000n });
    vmm.slot(0, RAM, pages * 4096, ram, 1);
    const { fd, run } = vmm.vcpu();
    const loop = `movz x1, #0x4000, lsl #16\n next: add x1, x1, #4096\n str x1, [x1]\n b next`;
    vmm.process.memory.write(ram, assemble(loop, { origin: BigInt(RAM) }).bytes);
    vmm.setCore(fd, 'pc', BigInt(RAM));
    const ring = vmm.map(4096, { fd, offset: 64n * 4096n });
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect(vmm.runStruct(run).exit_reason).toBe(EXIT.DIRTY_RING_FULL);
    // The soft limit is 64 entries below the 256 there are.
    const entry = (n: number) => [...new BigUint64Array(vmm.process.memory.read(ring + BigInt(n * 16), 16)!.buffer)];
    // The page that is executed is the first: without a bitmap also what is only read becomes writable, and dirty.
    expect(entry(0)).toEqual([1n, 0n]);
    expect(entry(191)).toEqual([1n, 191n]);
    expect(entry(192)).toEqual([0n, 0n]);
    for (let n = 0; n < 10; n++) vmm.process.memory.write(ring + BigInt(n * 16), Uint8Array.of(3));
    expect(vmm.answer(vmm.vm, 'KVM_RESET_DIRTY_RINGS')).toBe(10);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect(entry(192)).toEqual([1n, 192n]);
  });

  it('of a ring that userspace has wound beyond its entries is full at the next page', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    vmm.enable(CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 4096n);
    const ram = vmm.map(0x10000, { address: 0x1_0000_0000n });
    vmm.slot(0, RAM, 0x10000, ram, 1);
    vmm.process.memory.write(ram, assemble(OFF, { origin: BigInt(RAM) }).bytes);
    const { fd, run } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(RAM));
    const ring = vmm.map(4096, { fd, offset: 64n * 4096n });
    for (const at of [ring, ring + 16n]) vmm.process.memory.write(at, Uint8Array.of(2));
    expect(vmm.answer(vmm.vm, 'KVM_RESET_DIRTY_RINGS')).toBe(2);
    expect(vmm.answer(fd, 'KVM_RUN')).toBe(0);
    expect(vmm.runStruct(run).exit_reason).toBe(EXIT.DIRTY_RING_FULL);
  });
});

describe('an access without memory', () => {
  it('leaves with its address, size and value, and goes on when KVM_RUN is called again', () => {
    const { vmm, fd, step, reply } = guest(
      `movz x1, #0x0900, lsl #16\n mov x2, #-1\n strh w2, [x1, #2]\n ldrsb x13, [x1]\n ldrsh w4, [x1]\n ldr w5, [x1]\n ldr xzr, [x1]\n ${OFF}`,
    );
    expect(step()).toEqual({ at: 0x900_0002n, len: 2, write: true, value: 0xffffn });
    expect(step()).toMatchObject({ at: 0x900_0000n, len: 1, write: false });
    reply(0x1234_5680n);
    step();
    reply(0x8001n);
    step();
    reply(0xffff_ffff_8000_0000n);
    expect(step()).toMatchObject({ len: 8 });
    expect(step()).toEqual(OFF_EVENT);
    expect(['x13', 'x4', 'x5'].map((name) => vmm.core(fd, name))).toEqual([
      0xffff_ffff_ffff_ff80n,
      0xffff_8001n,
      0x8000_0000n,
    ]);
  });

  it('whose syndrome names no register is ENOSYS, or the VMM’s if it asked for it', () => {
    const source = `movz x1, #0x0900, lsl #16\n stp x2, x3, [x1, #16]\n ${OFF}`;
    expect(guest(source).step()).toBe('ENOSYS');
    const { vmm, step } = guest(source);
    vmm.enable(CAPABILITIES.KVM_CAP_ARM_NISV_TO_USER);
    expect(step()).toEqual({ nisv: 0x900_0010n, iss: 0x45n });
  });

  it('is coalesced in a zone until its ring is full', () => {
    const { vmm, fd, run, step } = guest(
      `movz x1, #0x0900, lsl #16\n mov w2, #0x55\n strb w2, [x1, #3]\n strb w2, [x1, #16]\n ${OFF}`,
    );
    vmm.process.memory.write(vmm.scratch, new Uint8Array(Uint32Array.of(0x900_0000, 0, 16, 0).buffer));
    expect(vmm.answer(vmm.vm, 'KVM_REGISTER_COALESCED_MMIO', vmm.scratch)).toBe(0);
    const ring = vmm.map(4096, { fd, offset: 4096n });
    expect(step()).toMatchObject({ at: 0x900_0010n });
    const words = new Uint32Array(vmm.process.memory.read(ring, 32)!.buffer);
    expect([...words]).toEqual([0, 1, 0x900_0003, 0, 1, 0, 0x55, 0]);
    expect(vmm.runStruct(run).exit_reason).toBe(EXIT.MMIO);
  });

  it.each([
    [
      'data above the IPA space, below the host’s',
      'max-4k',
      36,
      `mov x1, #0x1000000000\n ldr x2, [x1]`,
      0x9600_0010n,
      0x10_0000_0000n,
    ],
    ['data above what any VM may have', 'max-4k-lpa2off', 36, `mov x1, #0x0004000000000000\n ldr x2, [x1]`, null, null],
    ['instructions where no slot is', 'max-4k', 36, `movz x1, #0x7000, lsl #16\n br x1`, 0x8600_0010n, 0x7000_0000n],
  ] as const)('%s is an abort of the guest’s own', (_what, host, type, access, esr, far) => {
    const { step } = guest(`${access}\n ${OFF}`, { host, type, vectors: true });
    expect(step()).toMatchObject({ at: 0x900_0000n, value: 0x200n });
    const syndrome = step();
    const address = step();
    if (esr !== null) expect([syndrome, address]).toMatchObject([{ value: esr }, { value: far }]);
    expect(step()).toEqual(OFF_EVENT);
  });
});

describe('KVM_RUN', () => {
  it('is refused in the kernel’s order', () => {
    const vmm = new TestVmm();
    vmm.createVm();
    const result = vmm.ioctl(vmm.vm, 'KVM_CREATE_VCPU');
    const fd = isRefusal(result) ? -1 : result.ret;
    expect(vmm.answer(fd, 'KVM_RUN', 1n)).toBe('EINVAL');
    expect(vmm.answer(fd, 'KVM_RUN')).toBe('ENOEXEC');
  });

  it('with immediate_exit completes the access and goes no further', () => {
    const { vmm, fd, run, step, reply } = guest(`movz x1, #0x0900, lsl #16\n ldr x2, [x1]\n mov x3, #1\n ${OFF}`);
    step();
    reply(7n);
    vmm.process.memory.write(run + 1n, Uint8Array.of(1));
    expect(step()).toBe('EINTR');
    expect([vmm.core(fd, 'x2'), vmm.core(fd, 'x3'), vmm.core(fd, 'pc')]).toEqual([7n, 0n, BigInt(RAM + 8)]);
    vmm.process.memory.write(run + 1n, Uint8Array.of(0));
    expect(step()).toEqual(OFF_EVENT);
  });

  it('ends with EINTR for a signal, where the guest stands', () => {
    const { vmm, fd, vcpu } = guest('b .');
    vmm.host.control.budget = 100;
    const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
    expect(call.next().value).toEqual({ why: 'budget', vcpu });
    vmm.host.control.signals = 1n;
    expect(call.next().value).toMatchObject({ errno: 'EINTR' });
    expect(vmm.core(fd, 'pc')).toBe(BigInt(RAM));
  });

  it('shows the registers of the guest it holds, and takes changes of them', () => {
    const { vmm, fd, vcpu } = guest('mov x1, #1\n mov x2, #2\n mov x3, #3\n b .');
    vmm.host.control.budget = 2;
    const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
    call.next();
    expect([vcpu.context.pc, ...vcpu.context.x.slice(1, 4)]).toEqual([BigInt(RAM + 8), 1n, 2n, 0n]);
    vcpu.context.x[1] = 99n;
    vmm.host.control.budget = 1;
    call.next();
    expect([...vcpu.context.x.slice(1, 4)]).toEqual([99n, 2n, 3n]);
    call.return({ ret: 0 });
  });

  it('is the same however often it is held', () => {
    const source = `
      movz x1, #0x4001, lsl #16
      mov x2, #20
    loop:
      ldxr x3, [x1]
      add x3, x3, x2
      stxr w4, x3, [x1]
      cbnz w4, loop
      movz x5, #0x0900, lsl #16
      str x3, [x5]
      mrs x6, cntvct_el0
      subs x2, x2, #1
      b.ne loop
      ${OFF}`;
    const play = (budgets: readonly number[]): unknown[] => {
      const { vmm, fd, step, run, vcpu } = guest(source);
      const seen: unknown[] = [];
      for (let n = 0; seen.length < 21; n++) {
        const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
        for (let holds = 0; ; holds++) {
          vmm.host.control.budget = budgets[(n + holds) % budgets.length]!;
          if (call.next().done) break;
        }
        const { exit_reason: reason, mmio } = vmm.runStruct(run);
        seen.push(reason === EXIT.MMIO ? [...mmio.data] : reason);
      }
      void step;
      return [...seen, vcpu.context.bytes.slice(), vmm.host.machine.instructions];
    };
    const whole = play([1_000_000]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), (budgets) => {
        expect(play(budgets)).toEqual(whole);
      }),
      { numRuns: 12 },
    );
  });

  it('can be dropped while the guest is held', () => {
    const { vmm, fd, step } = guest(`mov x1, #1\n movz x2, #0x0900, lsl #16\n str x1, [x2]\n ${OFF}`);
    vmm.host.control.budget = 1;
    expect(runToEnd(vmm.process.ioctl(fd, KVM_RUN, 0n), 0)).toBeNull();
    vmm.host.control.budget = 1000;
    expect(step()).toMatchObject({ at: 0x900_0000n, value: 1n });
  });
});

describe('power', () => {
  it('goes on for a second vCPU where CPU_ON says, and off for all with SYSTEM_OFF', () => {
    const { vmm, fd, step, symbols } = guest(`
      movz x0, #0xc400, lsl #16
      movk x0, #3
      mov x1, #1
      adr x2, second
      mov x3, #77
      hvc #0
      movz x9, #0x0900, lsl #16
      str x0, [x9]
      ${OFF}
    second:
      movz x9, #0x0900, lsl #16
      str x0, [x9]
      b .`);
    const other = vmm.vcpu(1, 5);
    const call = vmm.process.ioctl(other.fd, KVM_RUN, 0n);
    expect(call.next().value).toMatchObject({ why: 'idle' });
    expect(step()).toMatchObject({ value: 0n });
    expect(call.next()).toMatchObject({ done: true, value: { ret: 0 } });
    expect(vmm.runStruct(other.run).mmio.data[0]).toBe(77);
    expect(vmm.core(other.fd, 'pc')).toBe(symbols.get('second')! + 4n);
    expect(step()).toEqual(OFF_EVENT);
    expect(vmm.core(fd, 'x0')).toBe(0xffff_ffff_ffff_fffan);
    expect(other.vcpu.stopped).toBe(true);
  });

  it('has the version that the VMM chose', () => {
    const version = (write?: bigint) => {
      const { vmm, fd, step } = guest(
        `movz x0, #0x8400, lsl #16\n hvc #0\n movz x1, #0x0900, lsl #16\n str x0, [x1]\n ${OFF}`,
      );
      if (write !== undefined) vmm.setReg(fd, NAMED_REGS.KVM_REG_ARM_PSCI_VERSION, write);
      const exit = step();
      return typeof exit === 'object' && 'value' in exit ? exit.value : exit;
    };
    expect([version(), version(2n), version(0x10000n)]).toEqual([0x10001n, 2n, 0x10000n]);
  });
});

describe('time', () => {
  it('goes on in WFI to the timer that the guest set, and KVM_RUN ends with its line', () => {
    const { vmm, run, step } = guest(`
      mrs x1, cntvct_el0
      add x1, x1, #1000
      msr cntv_cval_el0, x1
      mov x2, #1
      msr cntv_ctl_el0, x2
      wfi
      mrs x3, cntvct_el0
      ${OFF}`);
    const before = vmm.host.kvm.now();
    expect(step()).toBe('EINTR');
    expect(vmm.host.kvm.now() - before).toBeGreaterThanOrEqual(1000n);
    expect(vmm.runStruct(run)).toMatchObject({ exit_reason: EXIT.INTR, s: { regs: { device_irq_level: 1n } } });
    // The level is known now: the guest goes on.
    expect(step()).toEqual(OFF_EVENT);
  });
});

describe('the virtual timer', () => {
  it('ends KVM_RUN after the instruction that raises its line, and not again while the level is known', () => {
    const { vmm, fd, run, step } = guest(`
      msr cntv_tval_el0, xzr
      mov x1, #1
      msr cntv_ctl_el0, x1
      nop
      nop
      msr cntv_ctl_el0, xzr
      ${OFF}`);
    const level = () => vmm.runStruct(run).s.regs.device_irq_level;
    expect(step()).toBe('EINTR');
    expect([vmm.core(fd, 'pc'), level()]).toEqual([BigInt(RAM + 12), 1n]);
    // That it falls is seen at the next exit.
    expect(step()).toEqual(OFF_EVENT);
    expect(level()).toBe(0n);
  });
});

describe('the physical timer', () => {
  const WAIT = 32;
  const READ = `
      ${'nop\n'.repeat(WAIT)}
      mrs x1, cntpct_el0
      mrs x3, cntp_ctl_el0
      mov x1, #1
      msr cntp_ctl_el0, x1
      nop
      msr cntp_ctl_el0, xzr
      ${OFF}`;
  const run = (host: string, offset?: bigint) => {
    const { vmm, fd, run, step } = guest(READ, { host });
    if (offset !== undefined) {
      vmm.process.memory.write(vmm.scratch, new Uint8Array(BigUint64Array.of(offset, 0n).buffer));
      expect(vmm.answer(vmm.vm, 'KVM_ARM_SET_COUNTER_OFFSET', vmm.scratch)).toBe(0);
    }
    const level = () => vmm.runStruct(run).s.regs.device_irq_level;
    const pc = () => Number(vmm.core(fd, 'pc')) - RAM - 4 * WAIT;
    expect(step()).toBe('EINTR');
    const first = { pc: pc(), level: level(), status: vmm.core(fd, 'x3') };
    const end = step();
    return { first, end, pc: pc(), level: level() };
  };
  // Its compare value is 0: it has expired, which a disabled timer shows only where KVM emulates it.
  it('is the guest’s own under VHE: its line ends KVM_RUN, and that the line falls is seen at the next exit', () => {
    expect(run('max-4k')).toMatchObject({ first: { pc: 16, level: 2n, status: 0n }, end: OFF_EVENT, level: 0n });
  });
  it.each(['a57-4k', 'max-4k-protected'])(
    'is emulated by KVM on %s, where each change of the line is an exit',
    (host) => {
      expect(run(host)).toMatchObject({ first: { pc: 16, level: 2n, status: 4n }, end: 'EINTR', pc: 24, level: 0n });
    },
  );
  it('is trapped under VHE too where the VM has an offset', () => {
    expect(run('max-4k', 1n)).toMatchObject({
      first: { pc: 16, level: 2n, status: 4n },
      end: 'EINTR',
      pc: 24,
      level: 0n,
    });
  });
});

describe('calls of the guest', () => {
  it('are the VMM’s where the filter says so', () => {
    const { vmm, step, run } = guest(`movz x0, #0x8600, lsl #16\n movk x0, #0x1234\n hvc #0\n ${OFF}`);
    const filter = new Uint8Array(24);
    new DataView(filter.buffer).setUint32(0, 0x8600_1000, true);
    new DataView(filter.buffer).setUint32(4, 0x1000, true);
    filter[8] = 2;
    vmm.process.memory.write(vmm.scratch + 0x100n, filter);
    vmm.process.memory.write(vmm.scratch, new Uint8Array(BigUint64Array.of(0n, 0n, vmm.scratch + 0x100n).buffer));
    expect(vmm.answer(vmm.vm, 'KVM_SET_DEVICE_ATTR', vmm.scratch)).toBe(0);
    expect(vmm.answer(vmm.vm, 'KVM_SET_DEVICE_ATTR', vmm.scratch)).toBe('EEXIST');
    expect(step()).toEqual({ reason: EXIT.HYPERCALL });
    expect(vmm.runStruct(run).hypercall.nr).toBe(0x8600_1234n);
  });
});
