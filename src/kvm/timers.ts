import { NAMED_REGS } from '../abi/onereg.ts';
import { systemIndex } from '../machine/context.ts';
import type { Vcpu } from './vcpu.ts';

const ENABLE_BIT = 0;
const MASKED_BIT = 1;
const WRITABLE = 3n;
const STATUS = 4n;
const U64 = 64;

type Kind = 'virtual' | 'physical';
type Part = 'CTL' | 'CVAL' | 'CNT' | 'TVAL';

const REGISTERS = {
  virtual: { CTL: 'CNTV_CTL_EL0', CVAL: 'CNTV_CVAL_EL0' },
  physical: { CTL: 'CNTP_CTL_EL0', CVAL: 'CNTP_CVAL_EL0' },
} as const;
const CONTROL = { virtual: systemIndex(REGISTERS.virtual.CTL), physical: systemIndex(REGISTERS.physical.CTL) } as const;

/** CNTHCTL_EL2.EL1PCTEN and EL1PCEN, which HCR_EL2.E2H moves. */
const CNTHCTL = { counter: 1n, counterAndTimer: 3n } as const;
const CNTHCTL_E2H = { counter: 1n << 10n, counterAndTimer: 3n << 10n } as const;

/** A timer's register as userspace names it, in the order of KVM_GET_REG_LIST (timer_reg_list). */
export interface TimerRegister {
  readonly id: bigint;
  readonly kind: Kind;
  readonly part: Part;
}

export const TIMER_REGISTERS: readonly TimerRegister[] = [
  { id: NAMED_REGS.KVM_REG_ARM_TIMER_CTL, kind: 'virtual', part: 'CTL' },
  { id: NAMED_REGS.KVM_REG_ARM_TIMER_CNT, kind: 'virtual', part: 'CNT' },
  { id: NAMED_REGS.KVM_REG_ARM_TIMER_CVAL, kind: 'virtual', part: 'CVAL' },
  { id: NAMED_REGS.KVM_REG_ARM_PTIMER_CTL, kind: 'physical', part: 'CTL' },
  { id: NAMED_REGS.KVM_REG_ARM_PTIMER_CNT, kind: 'physical', part: 'CNT' },
  { id: NAMED_REGS.KVM_REG_ARM_PTIMER_CVAL, kind: 'physical', part: 'CVAL' },
];

const TRAPPED: Readonly<Record<string, Part>> = {
  CNTPCT_EL0: 'CNT',
  CNTP_TVAL_EL0: 'TVAL',
  CNTP_CTL_EL0: 'CTL',
  CNTP_CVAL_EL0: 'CVAL',
};

/**
 * The generic timers of a vCPU (arch_timer.c). Their offsets are the VM's. The CPU runs the virtual one; the physical one too
 * where the kernel is at EL2, and KVM else (get_timer_map).
 */
export class Timers {
  readonly #vcpu: Vcpu;
  readonly #direct: readonly Kind[];

  constructor(vcpu: Vcpu) {
    this.#vcpu = vcpu;
    const { vm } = vcpu;
    this.#direct = vm.kvm.host.mode === 'vhe' ? ['virtual', 'physical'] : ['virtual'];
    if (!vm.counterOffsetSet) {
      vm.counterOffset.virtual = vm.kvm.now();
      vm.counterOffset.physical = 0n;
    }
  }

  /** kvm_timer_vcpu_reset. */
  reset(): void {
    for (const kind of ['virtual', 'physical'] as const) this.#vcpu.writeSysreg(REGISTERS[kind].CTL, 0n);
  }

  /** The guest has the physical timer to itself, and its interrupt ends the guest's run: no offset has to be added. */
  get physicalIsGuests(): boolean {
    return this.#direct.length > 1 && this.#vcpu.vm.counterOffset.physical === 0n;
  }

  /** CNTHCTL_EL2: what the guest has of the physical counter and timer without a trap (timer_set_traps, __timer_enable_traps). */
  get access(): bigint {
    const { kvm, counterOffset } = this.#vcpu.vm;
    const enabled = kvm.usesE2h ? CNTHCTL_E2H : CNTHCTL;
    if (this.physicalIsGuests) return enabled.counterAndTimer;
    return kvm.isProtected || counterOffset.physical === 0n ? enabled.counter : 0n;
  }

  /** The vCPU comes onto the CPU, which keeps of a control register what it has (timer_restore_state). */
  load(): void {
    for (const kind of this.#direct) this.#setStatus(kind, 0n);
  }

  /** The vCPU leaves the CPU: its control registers are as the CPU shows them (timer_save_state). */
  save(): void {
    const { context } = this.#vcpu;
    for (const kind of this.#direct) {
      const met = context.bit(CONTROL[kind], ENABLE_BIT) && this.#countsLeft(kind) === 0n;
      this.#setStatus(kind, met ? STATUS : 0n);
    }
  }

  /** All bits but those that the CPU has go from a control register. */
  #setStatus(kind: Kind, status: bigint): void {
    const { CTL } = REGISTERS[kind];
    const control = this.#vcpu.readSysreg(CTL);
    const value = (control & WRITABLE) | status;
    if (value !== control) this.#vcpu.writeSysreg(CTL, value);
  }

  count(kind: Kind): bigint {
    const { vm } = this.#vcpu;
    return BigInt.asUintN(U64, vm.kvm.now() - vm.counterOffset[kind]);
  }

  read(kind: Kind, part: Part): bigint {
    const compare = this.#vcpu.readSysreg(REGISTERS[kind].CVAL);
    switch (part) {
      case 'CTL': {
        const control = BigInt.asUintN(32, this.#vcpu.readSysreg(REGISTERS[kind].CTL));
        return compare <= this.count(kind) ? control | STATUS : control;
      }
      case 'CVAL':
        return compare;
      case 'CNT':
        return this.count(kind);
      case 'TVAL':
        return BigInt.asUintN(32, compare - this.count(kind));
    }
  }

  write(kind: Kind, part: Part, value: bigint): void {
    const vcpu = this.#vcpu;
    switch (part) {
      case 'CTL':
        vcpu.writeSysreg(REGISTERS[kind].CTL, BigInt.asUintN(32, value) & ~STATUS);
        break;
      case 'CVAL':
        vcpu.writeSysreg(REGISTERS[kind].CVAL, value);
        break;
      case 'CNT':
        if (!vcpu.vm.counterOffsetSet) vcpu.vm.counterOffset[kind] = BigInt.asUintN(U64, vcpu.vm.kvm.now() - value);
        break;
      case 'TVAL':
        vcpu.writeSysreg(REGISTERS[kind].CVAL, BigInt.asUintN(U64, this.count(kind) + BigInt.asIntN(32, value)));
        break;
    }
  }

  /** The guest's trapped access of a physical timer register. */
  trapped(name: string, write: boolean, value: bigint): bigint | null {
    const part = TRAPPED[name];
    if (!part) return null;
    if (!write) return this.read('physical', part);
    this.write('physical', part, value);
    return 0n;
  }

  /** The timer's interrupt line (kvm_timer_should_fire). */
  fires(kind: Kind): boolean {
    return this.#mayFire(kind) && this.#countsLeft(kind) === 0n;
  }

  /** Counter ticks until the next of these timers fires; null where none will, also as it does already. */
  ticksToNext(...kinds: readonly Kind[]): bigint | null {
    let least: bigint | null = null;
    for (const kind of kinds) {
      if (!this.#mayFire(kind)) continue;
      const left = this.#countsLeft(kind);
      if (left > 0n && (least === null || left < least)) least = left;
    }
    return least;
  }

  /**
   * Counter ticks until the timer's condition holds. A physical timer that the CPU has is compared there without an offset,
   * which was added to the compare value.
   */
  #countsLeft(kind: Kind): bigint {
    const { vm, loaded } = this.#vcpu;
    let compare = this.#vcpu.readSysreg(REGISTERS[kind].CVAL);
    let now = vm.kvm.now();
    const offset = vm.counterOffset[kind];
    if (offset !== 0n) {
      if (kind === 'physical' && loaded && this.#direct.includes(kind)) compare = BigInt.asUintN(U64, compare + offset);
      else now = BigInt.asUintN(U64, now - offset);
    }
    return compare > now ? compare - now : 0n;
  }

  #mayFire(kind: Kind): boolean {
    const { context } = this.#vcpu;
    return context.bit(CONTROL[kind], ENABLE_BIT) && !context.bit(CONTROL[kind], MASKED_BIT);
  }
}
