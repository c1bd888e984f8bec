import { DEVICE_TYPES } from '../../abi/constants.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import { findField } from '../../abi/layout.ts';
import { kvm_run } from '../../abi/structs.ts';
import { coreRegId, CORE_REGS, sysregId } from '../../abi/onereg.ts';
import { errnoName, type Probe } from './probe.ts';
import { REPORTING_VECTORS } from './programs.ts';
import { hex, type Answer, type RecordedObject } from './record.ts';

export const CODE = 0x10_0000n;
export const VECTORS = 0x11_0000n;
export const BUFFER = 0x14_0000n;
/** A store there ends a program. */
const END = 0x900_0000n;
const MEMORY = 0x8_0000;
/** Memory behind the guest's own, for other slots. */
const SPARE = 0x20_0000;
const UNIT = 0x1_0000n;
const PSTATE = 0x3c5n;
const NO_REASON = 0xdead;
const POWER_OFF = 1;
const SVE = 0x10;
const EXIT_REASON_OFFSET = 8n;
const IMMEDIATE_EXIT_OFFSET = 1n;
const MMIO_DATA_OFFSET = 40n;
/** What userspace answers a load with. */
const LOADED = Uint8Array.of(0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8);
const REGISTERS = 27;
const X26 = 26;

export interface GuestConfig {
  readonly type?: bigint;
  readonly features: number;
  readonly gic?: boolean;
  readonly nisv?: boolean;
  readonly two?: boolean;
  readonly suspend?: boolean;
}

const register = (op0: number, op1: number, crn: number, crm: number, op2: number): bigint =>
  sysregId({ op0, op1, crn, crm, op2 });
export const REGISTER = {
  VBAR_EL1: register(3, 0, 12, 0, 0),
  ESR_EL1: register(3, 0, 5, 2, 0),
  FAR_EL1: register(3, 0, 6, 0, 0),
} as const;

const { KVM_EXIT_MMIO, KVM_EXIT_SYSTEM_EVENT, KVM_EXIT_ARM_NISV, KVM_EXIT_HYPERCALL, KVM_EXIT_DEBUG } = EXIT_REASONS;
const { KVM_EXIT_MEMORY_FAULT, KVM_EXIT_INTR } = EXIT_REASONS;
/** Exits that end a program as its last store does. */
const FINAL: readonly number[] = [
  KVM_EXIT_SYSTEM_EVENT,
  KVM_EXIT_ARM_NISV,
  KVM_EXIT_DEBUG,
  KVM_EXIT_HYPERCALL,
  KVM_EXIT_MEMORY_FAULT,
];

export interface Played {
  readonly exits: readonly RecordedObject[];
  readonly regs: RecordedObject;
}

/** The recording probe's guest: 512 KiB at 1 MiB, vectors, one or two vCPUs. */
export class RecordedGuest {
  readonly probe: Probe;
  vm = -1;
  vcpu = -1;
  second = -1;
  run = 0n;
  readonly #memory: bigint;

  constructor(probe: Probe) {
    this.probe = probe;
    this.#memory = (probe.map({ length: MEMORY + SPARE }) + UNIT - 1n) & ~(UNIT - 1n);
  }

  /** Memory of the process that is behind no slot yet. */
  get spare(): bigint {
    return this.#memory + BigInt(MEMORY);
  }

  /** A new VM; false where the host can't have it. */
  setup({ type = 0n, features, gic, nisv, two, suspend }: GuestConfig): boolean {
    const { probe } = this;
    if (this.run !== 0n) probe.process.munmap(this.run, 2 * probe.pageSize);
    this.run = 0n;
    probe.close(this.second, this.vcpu, this.vm);
    this.vcpu = this.second = -1;
    this.vm = probe.vm(type);
    if (this.vm < 0) return false;
    probe.process.memory.write(this.#memory, new Uint8Array(MEMORY));
    this.put(VECTORS, REPORTING_VECTORS);
    if (nisv) probe.enable(this.vm, 'KVM_CAP_ARM_NISV_TO_USER');
    if (suspend) probe.enable(this.vm, 'KVM_CAP_ARM_SYSTEM_SUSPEND');
    if (probe.slot(this.vm, 0n, 0n, CODE, BigInt(MEMORY), this.#memory).errno) return false;
    this.vcpu = probe.vcpu(this.vm, 0);
    if (this.vcpu < 0 || probe.init(this.vcpu, [features]).errno) return false;
    if ((features & SVE) !== 0) probe.finalize(this.vcpu, 4);
    if (two) {
      this.second = probe.vcpu(this.vm, 1);
      probe.init(this.second, [features | POWER_OFF]);
    }
    if (gic && probe.device(this.vm, DEVICE_TYPES.KVM_DEV_TYPE_ARM_VGIC_V3).errno) return false;
    this.run = probe.mapRun(this.vcpu);
    this.set('pc', CODE);
    this.set('x26', END);
    this.setRegister(REGISTER.VBAR_EL1, VECTORS);
    this.set('pstate', PSTATE);
    return true;
  }

  put(ipa: bigint, bytes: Uint8Array): void {
    this.probe.process.memory.write(this.#memory + (ipa - CODE), bytes);
  }

  words(ipa: bigint, count: number): bigint[] {
    return this.probe.words(this.#memory + (ipa - CODE), count);
  }

  /** A register of struct kvm_regs by its name in C. */
  get(name: string, vcpu = this.vcpu): bigint {
    return this.probe.getReg(vcpu, core(name)).value;
  }
  set(name: string, value: bigint): void {
    this.probe.setReg(this.vcpu, core(name), value);
  }
  setRegister(id: bigint, value: bigint): void {
    this.probe.setReg(this.vcpu, id, value);
  }

  /** KVM_RUN with immediate_exit: what an exit left to be done is done. */
  complete(): void {
    const { memory } = this.probe.process;
    memory.write(this.run + IMMEDIATE_EXIT_OFFSET, Uint8Array.of(1));
    this.probe.ioctl(this.vcpu, 'KVM_RUN');
    memory.write(this.run + IMMEDIATE_EXIT_OFFSET, Uint8Array.of(0));
  }

  setExitReason(reason: number): void {
    this.probe.process.memory.write(this.run + EXIT_REASON_OFFSET, new Uint8Array(Uint32Array.of(reason).buffer));
  }

  /** One KVM_RUN, and what kvm_run says after it. */
  once(): { readonly answer: Answer; readonly exit: RecordedObject } {
    const answer = this.probe.run(this.vcpu);
    return { answer, exit: this.#describe(answer) };
  }

  /** Runs to the program's end, answering its loads; at most so many exits. */
  play(most: number): Played {
    const exits: RecordedObject[] = [];
    for (let n = 0; n < most; n++) {
      if (this.probe.runStruct(this.run).exit_reason !== KVM_EXIT_MMIO) this.setExitReason(NO_REASON);
      const { answer, exit } = this.once();
      exits.push(exit);
      const run = this.probe.runStruct(this.run);
      if (answer.errno || FINAL.includes(run.exit_reason)) break;
      if (run.exit_reason === KVM_EXIT_INTR && n > 2) break;
      if (run.exit_reason !== KVM_EXIT_MMIO) continue;
      if (run.mmio.is_write !== 0 && run.mmio.phys_addr === END) break;
      if (run.mmio.is_write === 0) this.probe.process.memory.write(this.run + MMIO_DATA_OFFSET, LOADED);
    }
    return { exits, regs: this.#registers() };
  }

  #registers(): RecordedObject {
    const general = Array.from({ length: REGISTERS }, (_, n) => [`x${n}`, this.get(`x${n}`)] as const);
    const { probe, vcpu } = this;
    return {
      ...Object.fromEntries(
        general
          .filter(([name, value]) => value !== 0n && name !== `x${X26}`)
          .map(([name, value]) => [name, hex(value)]),
      ),
      pc: hex(this.get('pc')),
      pstate: hex(this.get('pstate')),
      esr_el1: hex(probe.getReg(vcpu, REGISTER.ESR_EL1).value),
      far_el1: hex(probe.getReg(vcpu, REGISTER.FAR_EL1).value),
      elr_el1: hex(this.get('elr_el1')),
    };
  }

  /** A member of kvm_run by its name in C. */
  #member(path: string): bigint {
    const field = findField(kvm_run, 'arm64', path);
    if (!field) throw new RangeError(`struct kvm_run has no member ${path}`);
    const bytes = this.probe.process.memory.read(this.run + BigInt(field.offset), field.layout.size);
    return [...(bytes ?? [])].reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  #describe(answer: Answer): RecordedObject {
    const run = this.probe.runStruct(this.run);
    const { mmio, system_event: event, arm_nisv: nisv, hypercall, memory_fault: fault } = run;
    const data = Array.from(mmio.data, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const parts: Readonly<Record<number, RecordedObject>> = {
      [KVM_EXIT_MMIO]: { mmio: { addr: hex(mmio.phys_addr), len: mmio.len, w: mmio.is_write, data } },
      [KVM_EXIT_SYSTEM_EVENT]: {
        system_event: { type: event.type, ndata: event.ndata, data0: hex(event.data[0] ?? 0n) },
      },
      [KVM_EXIT_ARM_NISV]: { arm_nisv: { esr_iss: hex(nisv.esr_iss), fault_ipa: hex(nisv.fault_ipa) } },
      [KVM_EXIT_HYPERCALL]: { hypercall: { nr: hex(hypercall.nr), flags: hex(hypercall.flags) } },
      [KVM_EXIT_DEBUG]: {
        debug: {
          hsr: hex(this.#member('debug.arch.hsr')),
          hsr_high: hex(this.#member('debug.arch.hsr_high')),
          far: hex(this.#member('debug.arch.far')),
        },
      },
      [KVM_EXIT_MEMORY_FAULT]: {
        memory_fault: { flags: hex(fault.flags), gpa: hex(fault.gpa), size: hex(fault.size) },
      },
    };
    return {
      ...(answer.errno ? { ret: -1, errno: errnoName(answer) } : { ret: answer.ret }),
      reason: run.exit_reason,
      ...parts[run.exit_reason],
      pc: hex(this.get('pc')),
      irq_level: hex(this.#member('s.regs.device_irq_level')),
      flags: run.flags,
    };
  }
}

function core(name: string): bigint {
  const reg = CORE_REGS.find((each) => each.name === name);
  if (!reg) throw new RangeError(`no register ${name}`);
  return coreRegId(reg);
}
