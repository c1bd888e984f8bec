import {
  ARM_REG_CLASSES,
  coreRegId,
  CORE_REGS,
  KVM_REG_ARCH_MASK,
  KVM_REG_ARM64,
  KVM_REG_SIZE_MASK,
  oneRegSize,
  type CoreReg,
} from '../abi/onereg.ts';
import { kvm_one_reg } from '../abi/structs.ts';
import type { Caller } from './descriptor.ts';
import { FIRMWARE_REGISTERS } from './firmware.ts';
import { withoutScope, withVmScope } from './proposals/regscope.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { isForUser, INVARIANT, SYSREG_BY_KEY, SYSREGS, type SysregRow } from './sysregs/rows.ts';
import { CACHE_SELECTIONS, cacheGeometry, setCacheGeometry } from './sysregs/user.ts';
import { TIMER_REGISTERS } from './timers.ts';
import { copyFault, fromBytes, hex, readUserInteger, toBytes, writeUserInteger } from './usercopy.ts';
import type { Vcpu } from './vcpu.ts';
import { SYSTEM_REGISTERS, systemKey } from '../machine/sysregs.ts';

/* Ids: asm/kvm.h. */
const COPROC_MASK = 0xfff_0000n;
const COPROC_SHIFT = 16n;
const SIZE_U32 = 2n << 52n;
const SIZE_U64 = 3n << 52n;
const DEMUX_ID_MASK = 0xff00n;
const DEMUX_CCSIDR = 0n;
/** sizeof(struct kvm_regs) in words of 32 bits. */
const CORE_WORDS = 0x360 / 4;

/* PSTATE.M: asm/ptrace.h. */
const MODE32_BIT = 0x10n;
const MODE_MASK = 0x1fn;
const MODES_EL0_EL1: readonly bigint[] = [0n, 4n, 5n];
const MODES_AARCH32 = { user: 0x10n, system: 0x1fn, others: [0x11n, 0x12n, 0x13n, 0x17n, 0x1bn, 0x1fn] };

interface Request {
  readonly id: bigint;
  readonly addr: bigint;
}

function noSuch(id: bigint, kernel: string): Refusal {
  return refuse('ENOENT', 'onereg.unknown', `there is no register ${hex(id)}`, kernel);
}

/* ---------------------------------------------------------------- core registers */

function coreBytes(vcpu: Vcpu, reg: CoreReg): Uint8Array {
  return toBytes(readCore(vcpu, reg.name), reg.size);
}

const V_REGISTER = /^v(\d+)$/;
const X_REGISTER = /^x(\d+)$/;
const BANKED = ['spsr_abt', 'spsr_und', 'spsr_irq', 'spsr_fiq'];
const IN_CONTEXT: Readonly<Record<string, 'spEl0' | 'pc' | 'pstate' | 'fpsr' | 'fpcr'>> = {
  sp: 'spEl0',
  pc: 'pc',
  pstate: 'pstate',
  fpsr: 'fpsr',
  fpcr: 'fpcr',
};

function readCore(vcpu: Vcpu, name: string): bigint {
  const { context } = vcpu;
  const v = V_REGISTER.exec(name);
  if (v) return (context.v[2 * Number(v[1]) + 1]! << 64n) | context.v[2 * Number(v[1])]!;
  const x = X_REGISTER.exec(name);
  if (x) return context.x[Number(x[1])]!;
  const member = IN_CONTEXT[name];
  if (member) return context[member];
  const banked = BANKED.indexOf(name);
  return banked >= 0 ? vcpu.bankedSpsr[banked]! : vcpu.readSysreg(name.toUpperCase());
}

function writeCore(vcpu: Vcpu, name: string, value: bigint): void {
  const { context } = vcpu;
  const v = V_REGISTER.exec(name);
  const x = X_REGISTER.exec(name);
  const member = IN_CONTEXT[name];
  const banked = BANKED.indexOf(name);
  if (v) {
    context.v[2 * Number(v[1])] = BigInt.asUintN(64, value);
    context.v[2 * Number(v[1]) + 1] = value >> 64n;
  } else if (x) context.x[Number(x[1])] = value;
  else if (member) context[member] = value;
  else if (banked >= 0) vcpu.bankedSpsr[banked] = value;
  else vcpu.writeSysreg(name.toUpperCase(), value);
}

const CORE_BY_WORD = new Map(CORE_REGS.map((reg) => [BigInt(reg.offset / 4), reg]));

/** The register that an id of the core class names (core_reg_addr). */
function coreRegister(id: bigint, kernel: string): CoreReg | Refusal {
  const offset = id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | (BigInt(ARM_REG_CLASSES.core) << COPROC_SHIFT));
  const size = oneRegSize(id);
  if (offset >= CORE_WORDS || offset + BigInt(Math.floor(size / 4)) >= CORE_WORDS) {
    return refuse('ENOENT', 'onereg.core-offset', `${hex(offset)} words are outside struct kvm_regs`, kernel);
  }
  const reg = CORE_BY_WORD.get(offset);
  if (!reg)
    return refuse(
      'EINVAL',
      'onereg.core-offset',
      `no register begins at word ${hex(offset)} of struct kvm_regs`,
      kernel,
    );
  if (reg.size !== size) {
    return refuse('EINVAL', 'onereg.core-size', `${reg.name} has ${reg.size} bytes, the id says ${size}`, kernel);
  }
  return reg;
}

/** PSTATE from userspace: only modes that the vCPU has (set_core_reg). */
function checkPstate(vcpu: Vcpu, value: bigint): Refusal | null {
  const mode = value & MODE_MASK;
  const { aarch32El0 } = vcpu.vm.kvm.features;
  if (MODES_EL0_EL1.includes(mode) && !vcpu.el1Is32Bit) return null;
  if (mode === MODES_AARCH32.user && aarch32El0) return null;
  if (MODES_AARCH32.others.includes(mode) && vcpu.el1Is32Bit) return null;
  const what =
    mode === MODES_AARCH32.user || MODES_AARCH32.others.includes(mode)
      ? 'an AArch32 mode that the vCPU does not have'
      : 'no mode of the vCPU';
  return refuse('EINVAL', 'onereg.pstate-mode', `PSTATE ${hex(value)}: M ${hex(mode)} is ${what}`, 'set_core_reg');
}

function getCore(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  const reg = coreRegister(id, 'get_core_reg');
  if (isRefusal(reg)) return reg;
  return caller.memory.write(addr, coreBytes(vcpu, reg)) ? DONE : copyFault(addr, reg.size, 'to', reg.name);
}

function setCore(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  const reg = coreRegister(id, 'set_core_reg');
  if (isRefusal(reg)) return reg;
  const bytes = caller.memory.read(addr, reg.size);
  if (!bytes) return copyFault(addr, reg.size, 'from', reg.name);
  const value = fromBytes(bytes);
  if (reg.name === 'pstate') {
    const refused = checkPstate(vcpu, value);
    if (refused) return refused;
  }
  writeCore(vcpu, reg.name, value);
  if ((vcpu.context.pstate & MODE32_BIT) !== 0n) narrowTo32(vcpu);
  return DONE;
}

/** A vCPU in AArch32 has registers and a PC of 32 bits: 15 of them in user and system mode, in others also the banked ones. */
function narrowTo32({ context }: Vcpu): void {
  const mode = context.pstate & MODE_MASK;
  const registers = mode === MODES_AARCH32.user || mode === MODES_AARCH32.system ? 15 : 31;
  for (let index = 0; index < registers; index++) context.x[index] = BigInt.asUintN(32, context.x[index]!);
  context.pc = BigInt.asUintN(32, context.pc);
}

/* ---------------------------------------------------------------- firmware, timers */

function firmwareRegister({ vm }: Vcpu, id: bigint) {
  const plain = withoutScope(vm, id);
  return FIRMWARE_REGISTERS.find((row) => row.id === plain) ?? null;
}

function getFirmware(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  const reg = firmwareRegister(vcpu, id);
  if (!reg) return noSuch(id, 'kvm_arm_get_fw_reg');
  return writeUserInteger(caller.memory, addr, 8, reg.get(vcpu), reg.name) ?? DONE;
}

function setFirmware(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  const kernel = 'kvm_arm_set_fw_reg';
  if (oneRegSize(id) !== 8)
    return refuse('ENOENT', 'onereg.firmware-size', `${hex(id)} is not a register of 8 bytes`, kernel);
  const value = readUserInteger(caller.memory, addr, 8, 'the register');
  if (typeof value !== 'bigint') return value;
  const reg = firmwareRegister(vcpu, id);
  return reg ? (reg.set(vcpu, value) ?? DONE) : noSuch(id, kernel);
}

function timer(id: bigint) {
  return TIMER_REGISTERS.find((row) => row.id === id) ?? null;
}

/* ---------------------------------------------------------------- system registers */

function hostValue(vcpu: Vcpu, name: string): bigint {
  return vcpu.vm.kvm.host.model.id[name] ?? 0n;
}

const INVARIANT_BY_KEY = new Map(INVARIANT.map((name) => [systemKey(SYSTEM_REGISTERS.get(name)?.at ?? ''), name]));

/** The encoding in an id of a 64-bit system register; null where it has other bits set (index_to_params). */
function sysregKey(id: bigint): number | null {
  if ((id & KVM_REG_SIZE_MASK) !== SIZE_U64) return null;
  const known = KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | COPROC_MASK | 0xffffn;
  return (id & ~known) === 0n ? Number(id & 0xffffn) : null;
}

function userRow(vcpu: Vcpu, id: bigint): SysregRow | null {
  if ((id & COPROC_MASK) >> COPROC_SHIFT !== BigInt(ARM_REG_CLASSES.sysreg)) return null;
  const key = sysregKey(id);
  const row = key === null ? undefined : SYSREG_BY_KEY.get(key);
  return row && isForUser(row) && !row.visibility?.(vcpu)?.hidden ? row : null;
}

function invariantName(id: bigint): string | null {
  const key = sysregKey(id);
  return key === null ? null : (INVARIANT_BY_KEY.get(key) ?? null);
}

/** The selection in an id of the demux class, or why it names none (demux_c15_get). */
function demuxSelection(id: bigint, kernel: string): number | Refusal {
  const extra = id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | COPROC_MASK | 0xffffn);
  const selection = Number(id & 0xffn);
  if (extra !== 0n || (id & DEMUX_ID_MASK) !== DEMUX_CCSIDR || oneRegSize(id) !== 4 || selection >= CACHE_SELECTIONS) {
    return noSuch(id, kernel);
  }
  return selection;
}

function getSysreg(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  const kernel = 'kvm_arm_sys_reg_get_reg';
  if ((id & COPROC_MASK) >> COPROC_SHIFT === BigInt(ARM_REG_CLASSES.demux)) {
    const selection = demuxSelection(id, 'demux_c15_get');
    if (typeof selection !== 'number') return selection;
    return writeUserInteger(caller.memory, addr, 4, cacheGeometry(vcpu, selection), 'CCSIDR_EL1') ?? DONE;
  }
  const invariant = invariantName(id);
  if (invariant) return writeUserInteger(caller.memory, addr, 8, hostValue(vcpu, invariant), invariant) ?? DONE;
  const row = userRow(vcpu, id);
  if (!row) return noSuch(id, kernel);
  const kept = row.id ? (vcpu.vm.idRegisters.get(row.key) ?? 0n) : vcpu.readSysreg(row.name);
  const value = row.get?.(vcpu) ?? kept;
  return writeUserInteger(caller.memory, addr, 8, value, row.name) ?? DONE;
}

function setSysreg(vcpu: Vcpu, { id, addr }: Request, caller: Caller): IoctlResult {
  if ((id & COPROC_MASK) >> COPROC_SHIFT === BigInt(ARM_REG_CLASSES.demux)) {
    const selection = demuxSelection(id, 'demux_c15_set');
    if (typeof selection !== 'number') return selection;
    const value = readUserInteger(caller.memory, addr, 4, 'CCSIDR_EL1');
    if (typeof value !== 'bigint') return value;
    return setCacheGeometry(vcpu, selection, Number(value)) ?? DONE;
  }
  const value = readUserInteger(caller.memory, addr, 8, 'the register');
  if (typeof value !== 'bigint') return value;
  const invariant = invariantName(id);
  if (invariant) {
    if (value === hostValue(vcpu, invariant)) return DONE;
    const message = `${invariant} is the host's, ${hex(hostValue(vcpu, invariant))}, and can't change`;
    return refuse('EINVAL', 'onereg.invariant', message, 'set_invariant_sys_reg');
  }
  const row = userRow(vcpu, id);
  if (!row) return noSuch(id, 'kvm_arm_sys_reg_set_reg');
  if (row.visibility?.(vcpu)?.writeIgnored) return DONE;
  if (row.set) return row.set(vcpu, row, value) ?? DONE;
  vcpu.writeSysreg(row.name, value);
  return DONE;
}

/* ---------------------------------------------------------------- the ioctls */

type Direction = 'get' | 'set';

function access(vcpu: Vcpu, arg: bigint, caller: Caller, direction: Direction): IoctlResult {
  const bytes = caller.memory.read(arg, 16);
  if (!bytes) return copyFault(arg, 16, 'from', `struct ${kvm_one_reg.name}`);
  const request = { id: fromBytes(bytes.subarray(0, 8)), addr: fromBytes(bytes.subarray(8)) };
  if (vcpu.pendingReset) vcpu.reset();
  const { id, addr } = request;
  const kernel = direction === 'get' ? 'kvm_arm_get_reg' : 'kvm_arm_set_reg';
  if ((id & ~KVM_REG_SIZE_MASK) >> 32n !== KVM_REG_ARM64 >> 32n) {
    return refuse('EINVAL', 'onereg.arch', `${hex(id)} is no id of an arm64 register`, kernel);
  }
  const get = direction === 'get';
  switch (Number((id & COPROC_MASK) >> COPROC_SHIFT)) {
    case ARM_REG_CLASSES.core:
      return get ? getCore(vcpu, request, caller) : setCore(vcpu, request, caller);
    case ARM_REG_CLASSES.fw:
    case ARM_REG_CLASSES.fwFeatBmap:
      return get ? getFirmware(vcpu, request, caller) : setFirmware(vcpu, request, caller);
    case ARM_REG_CLASSES.sve:
      return noSve(id, get ? 'get_sve_reg' : 'set_sve_reg');
    default:
  }
  const found = timer(id);
  if (found && get)
    return writeUserInteger(caller.memory, addr, 8, vcpu.timers.read(found.kind, found.part), 'the timer') ?? DONE;
  if (found) {
    const value = readUserInteger(caller.memory, addr, 8, 'the timer');
    if (typeof value !== 'bigint') return value;
    vcpu.timers.write(found.kind, found.part, value);
    return DONE;
  }
  return get ? getSysreg(vcpu, request, caller) : setSysreg(vcpu, request, caller);
}

/** SVE registers of a vCPU without SVE: known ids are absent, others are none (sve_reg_to_region). */
function noSve(id: bigint, kernel: string): Refusal {
  const SVE_VLS = 0x6060_0000_0015_ffffn;
  const Z = [0x6080_0000_0015_0000n, 0x6080_0000_0015_03ffn] as const;
  const P = [0x6050_0000_0015_0400n, 0x6050_0000_0015_061fn] as const;
  const known = id === SVE_VLS || (id >= Z[0] && id <= Z[1]) || (id >= P[0] && id <= P[1]);
  return known
    ? noSuch(id, kernel)
    : refuse('EINVAL', 'onereg.sve-id', `${hex(id)} is no id of an SVE register`, kernel);
}

export const getOneReg = (vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult => access(vcpu, arg, caller, 'get');
export const setOneReg = (vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult => access(vcpu, arg, caller, 'set');

/** Ids of all registers in the order of kvm_arm_copy_reg_indices. */
export function registerIds(vcpu: Vcpu): bigint[] {
  const sysreg = (key: number): bigint =>
    KVM_REG_ARM64 | SIZE_U64 | (BigInt(ARM_REG_CLASSES.sysreg) << COPROC_SHIFT) | BigInt(key);
  const demux = KVM_REG_ARM64 | SIZE_U32 | (BigInt(ARM_REG_CLASSES.demux) << COPROC_SHIFT);
  return [
    ...CORE_REGS.map(coreRegId),
    ...FIRMWARE_REGISTERS.map(({ id, scope }) => (scope === 'vm' ? withVmScope(vcpu.vm, id) : id)),
    ...TIMER_REGISTERS.map(({ id }) => id),
    ...[...INVARIANT_BY_KEY.keys()].map(sysreg),
    ...SYSREGS.filter((row) => isForUser(row) && !row.visibility?.(vcpu)?.hidden).map(({ key }) => sysreg(key)),
    ...Array.from({ length: CACHE_SELECTIONS }, (_, selection) => demux | BigInt(selection)),
  ];
}

/** KVM_GET_REG_LIST: the count is written in any case. */
export function getRegList(vcpu: Vcpu, arg: bigint, caller: Caller): IoctlResult {
  const asked = readUserInteger(caller.memory, arg, 8, 'struct kvm_reg_list');
  if (typeof asked !== 'bigint') return asked;
  const ids = registerIds(vcpu);
  const refused = writeUserInteger(caller.memory, arg, 8, BigInt(ids.length), 'struct kvm_reg_list');
  if (refused) return refused;
  // KVM keeps the count it was given in 32 bits.
  if (BigInt.asUintN(32, asked) < BigInt(ids.length)) {
    return refuse(
      'E2BIG',
      'reg-list.size',
      `the list has room for ${asked} of ${ids.length} registers`,
      'kvm_arch_vcpu_ioctl',
    );
  }
  const bytes = new Uint8Array(BigUint64Array.from(ids).buffer);
  return caller.memory.write(arg + 8n, bytes) ? DONE : copyFault(arg + 8n, bytes.length, 'to', 'the list');
}
