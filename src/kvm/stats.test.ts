import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../abi/capabilities.ts';
import { SIGNALS } from '../abi/posix.ts';
import { kvm_irq_level } from '../abi/structs.ts';
import { TestVmm } from '../host/testing.ts';
import { assemble } from '../isa/a64/assembler.ts';
import type { GuestPause } from './descriptor.ts';
import { isRefusal } from './refusal.ts';
import { signalSet } from './signals.ts';

const RAM = 0x4000_0000;
const KVM_RUN = 0xae80;
const EXIT = 'movz x8, #0x0900, lsl #16\n strb wzr, [x8]\n';
/** Nanoseconds of a count of the generic timer. */
const COUNT = 16;

/** Sets the virtual timer to so many counts from now and waits; then a store to MMIO. */
const wait = (counts: number): string => `
  mrs x2, cntvct_el0
  ldr x1, =${counts}
  add x2, x2, x1
  msr cntv_cval_el0, x2
  mov x2, #1
  msr cntv_ctl_el0, x2
  isb
  wfi
  msr cntv_ctl_el0, xzr
  ${EXIT}`;

function guest(source: string, host = 'max-4k') {
  const vmm = new TestVmm(host);
  vmm.createVm(0);
  const { bytes, errors } = assemble(source, { origin: BigInt(RAM) });
  expect(errors).toEqual([]);
  const ram = vmm.map(0x10000);
  vmm.process.memory.write(ram, bytes);
  vmm.slot(0, RAM, 0x10000, ram);
  const { fd, run } = vmm.vcpu();
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const file = vmm.answer(fd, 'KVM_GET_STATS_FD');
  const before = new Map<string, bigint>();
  /** What has changed since the last time, of histograms which bucket. */
  const changes = (): Record<string, bigint | string> => {
    const changed: Record<string, bigint | string> = {};
    for (const [name, value] of statistics(vmm, Number(file))) {
      const difference = value - (before.get(name) ?? 0n);
      before.set(name, value);
      const [series, bucket] = name.split('#');
      if (difference !== 0n) changed[series!] = bucket === undefined ? difference : `${difference} in ${bucket}`;
    }
    return changed;
  };
  const again = (): number | string => vmm.answer(fd, 'KVM_RUN');
  return { vmm, fd, run, changes, again };
}

/** Every value of a statistics file; those of a histogram as NAME#BUCKET. */
function statistics(vmm: TestVmm, fd: number): [string, bigint][] {
  const read = (length: number, offset: number): DataView => {
    const bytes = vmm.process.read(fd, length, offset);
    if (isRefusal(bytes)) throw new Error(bytes.message);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const header = read(24, 0);
  const [, nameSize = 0, count = 0, , descriptors = 0, data = 0] = Array.from({ length: 6 }, (_, n) =>
    header.getUint32(4 * n, true),
  );
  return Array.from({ length: count }, (_, n) => {
    const row = read(16 + nameSize, descriptors + n * (16 + nameSize));
    const size = row.getUint16(6, true);
    const letters = new Uint8Array(row.buffer, row.byteOffset + 16, nameSize);
    const name = String.fromCharCode(...letters).replace(/\0.*/, '');
    const values = read(8 * size, data + row.getUint32(8, true));
    return Array.from({ length: size }, (_, k): [string, bigint] => [
      size > 1 ? `${name}#${k}` : name,
      values.getBigUint64(8 * k, true),
    ]);
  }).flat();
}

describe('exits', () => {
  // Recorded with Debian's 6.12: the first fetch and the store are all there is.
  it('are not what the exception vector or the world switch answers: workarounds, the trapped physical counter', () => {
    const workarounds = 'ldr w0, =0x80008000\n hvc #0\n'.repeat(10);
    const { again, changes } = guest(workarounds + EXIT);
    again();
    expect(changes()).toEqual({ exits: 2n, mmio_exit_user: 1n });
    const offset = guest('mrs x0, cntpct_el0\n'.repeat(10) + EXIT);
    offset.vmm.process.memory.write(offset.vmm.scratch, new Uint8Array(BigUint64Array.of(1n, 0n).buffer));
    expect(offset.vmm.answer(offset.vmm.vm, 'KVM_ARM_SET_COUNTER_OFFSET', offset.vmm.scratch)).toBe(0);
    expect([offset.again(), offset.changes()]).toEqual([0, { exits: 2n, mmio_exit_user: 1n }]);
  });

  const PHYSICAL = `
    mrs x2, cntpct_el0
    add x2, x2, #60
    msr cntp_cval_el0, x2
    mov x2, #1
    msr cntp_ctl_el0, x2
    isb
    b .`;
  // The fetch, the interrupt, and where KVM emulates the timer two trapped writes; recorded without the fetch as 1 and 3.
  it.each([
    ['max-4k', 2n],
    ['a57-4k', 4n],
  ])('are the interrupts of timers too, on %s', (host, exits) => {
    const { again, changes } = guest(PHYSICAL, host);
    expect([again(), changes()]).toEqual(['EINTR', { exits }]);
  });

  it('come at the same instruction for an emulated timer however the guest is held', () => {
    const play = (budget: number): unknown => {
      const { vmm, fd, changes } = guest(PHYSICAL, 'a57-4k');
      vmm.host.control.budget = budget;
      const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
      for (let n = 0; n < 10_000; n++) {
        const { done, value } = call.next();
        if (done) return [value, vmm.host.machine.instructions, changes()];
      }
      return 'no end';
    };
    const whole = play(100_000);
    expect(whole).toMatchObject([{ errno: 'EINTR' }, expect.any(Number), { exits: 4n }]);
    for (const budget of [1, 2, 7, 16, 480]) expect(play(budget)).toEqual(whole);
  });
});

describe('a halted vCPU', () => {
  it('sleeps when it halts first, polls before the next sleep, and for longer after each that was short', () => {
    // 1600 ns, 16 us, then nothing is left of 10 us of polling, 20 us of it are enough.
    const { again, changes } = guest([100, 1000, 1000, 1000].map(wait).join(''));
    const halted = { wfi_exit_stat: 1n };
    const seen = [0, 1, 2, 3].map(() => {
      expect(again()).toBe('EINTR');
      const halt = changes();
      expect(again()).toBe(0);
      changes();
      delete halt['exits'];
      return halt;
    });
    const [first, second, third, fourth] = seen;
    expect(first).toMatchObject({ ...halted, halt_wakeup: 1n, halt_wait_hist: '1 in 11' });
    expect(first?.['halt_attempted_poll']).toBeUndefined();
    expect(Number(first?.['halt_wait_ns'])).toBeGreaterThan(95 * COUNT);
    expect(second).toMatchObject({
      ...halted,
      halt_attempted_poll: 1n,
      halt_poll_fail_ns: 10_000n,
      halt_poll_fail_hist: '1 in 14',
      halt_wakeup: 1n,
    });
    for (const polled of [third, fourth]) {
      expect(polled).toMatchObject({ ...halted, halt_attempted_poll: 1n, halt_successful_poll: 1n });
      expect(polled?.['halt_wait_ns']).toBeUndefined();
      expect(polled?.['halt_wakeup']).toBeUndefined();
    }
  });

  it('does not poll where KVM_CAP_HALT_POLL says 0', () => {
    const { vmm, again, changes } = guest([100, 100, 100].map(wait).join(''));
    expect(vmm.enable(CAPABILITIES.KVM_CAP_HALT_POLL, 0n)).toEqual({ ret: 0 });
    for (let n = 0; n < 6; n++) again();
    expect(changes()).toMatchObject({ halt_wakeup: 3n });
    expect(changes()['halt_attempted_poll']).toBeUndefined();
  });

  /** Begins KVM_RUN and takes it to where it waits. */
  const begun = (source: string) => {
    const made = guest(source);
    const call = made.vmm.process.ioctl(made.fd, KVM_RUN, 0n);
    let pause: GuestPause | undefined;
    do pause = call.next().value as GuestPause;
    while (pause.why !== 'idle');
    return { ...made, call, pause };
  };

  it('is woken by its lines, which counts as such, and by a signal, which does not', () => {
    const { vmm, call, changes } = begun(`wfi\n ${EXIT}`);
    expect(changes()).toMatchObject({ blocking: 1n, wfi_exit_stat: 1n });
    for (const level of [0, 1, 1])
      expect(vmm.call(vmm.vm, 'KVM_IRQ_LINE', kvm_irq_level, { level })).toEqual({ ret: 0 });
    call.next();
    expect(changes()).toMatchObject({ blocking: -1n, halt_wakeup: 1n });
    const other = begun(`wfi\n ${EXIT}`);
    other.changes();
    other.vmm.host.control.signals = signalSet(SIGNALS.SIGUSR1);
    expect(other.call.next().value).toMatchObject({ errno: 'EINTR' });
    expect(other.changes()).toEqual({ blocking: -1n, halt_wait_hist: '1 in 0', signal_exits: 1n });
  });

  it('is woken by CPU_ON where it is off and sleeps', () => {
    const { vmm, fd, again, changes } = guest(`
      ldr w0, =0xc4000003
      mov x1, #0
      ldr x2, =${RAM}
      hvc #0
      ${EXIT}`);
    const other = vmm.vcpu(1);
    vmm.setCore(other.fd, 'pc', BigInt(RAM));
    vmm.process.memory.write(vmm.scratch, Uint8Array.of(5, 0, 0, 0));
    expect(vmm.answer(fd, 'KVM_SET_MP_STATE', vmm.scratch)).toBe(0);
    const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
    expect(call.next().value).toMatchObject({ why: 'idle' });
    expect(changes()).toEqual({});
    expect(vmm.answer(other.fd, 'KVM_RUN')).toBe(0);
    expect(changes()).toEqual({ halt_wakeup: 1n });
    call.return({ ret: 0 });
    expect(again()).toBe(0);
  });

  it('is not woken by a timer whose level userspace has been told', () => {
    const { vmm, fd, run, again } = guest(`
      mov x2, #1
      msr cntv_ctl_el0, x2
      isb
      wfi
      ${EXIT}`);
    expect([again(), vmm.runStruct(run).s.regs.device_irq_level]).toEqual(['EINTR', 1n]);
    const call = vmm.process.ioctl(fd, KVM_RUN, 0n);
    let pause: GuestPause | undefined;
    do pause = call.next().value as GuestPause;
    while (pause.why === 'budget');
    expect(pause).toMatchObject({ why: 'idle', wakes: null });
    vmm.host.control.signals = signalSet(SIGNALS.SIGALRM);
    expect(call.next().value).toMatchObject({ errno: 'EINTR' });
  });

  it('goes on at once where userspace has not been told that its timer’s level fell', () => {
    const { again, changes, vmm, run } = guest(`
      mov x2, #1
      msr cntv_ctl_el0, x2
      isb
      nop
      msr cntv_ctl_el0, xzr
      isb
      wfi
      ${EXIT}`);
    expect(again()).toBe('EINTR');
    changes();
    expect([again(), vmm.runStruct(run).s.regs.device_irq_level]).toEqual(['EINTR', 0n]);
    expect(changes()).toEqual({ exits: 1n, wfi_exit_stat: 1n });
    expect(again()).toBe(0);
  });
});

describe('signal_exits', () => {
  it('are those by a signal, not those by immediate_exit or a timer', () => {
    const { vmm, again, changes, run } = guest(`b .`);
    vmm.process.memory.write(run + 1n, Uint8Array.of(1));
    expect([again(), changes()]).toEqual(['EINTR', {}]);
    vmm.process.memory.write(run + 1n, Uint8Array.of(0));
    vmm.host.control.signals = signalSet(SIGNALS.SIGUSR1);
    expect([again(), changes()]).toEqual(['EINTR', { signal_exits: 1n }]);
  });
});
