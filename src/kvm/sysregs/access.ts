import type { SysregRow } from './rows.ts';
import type { Vcpu } from '../vcpu.ts';
import { cacheGeometry } from './user.ts';

/**
 * A guest's access that was trapped: gives the value that a read puts into the register, or null where the guest gets an
 * undefined instruction exception. `value` is what a write brings.
 */
export type Access = (vcpu: Vcpu, row: SysregRow, write: boolean, value: bigint) => bigint | null;

const OSLK = 1n << 1n;
const CSSELR_VALID = 0xfn;

function read(vcpu: Vcpu, row: SysregRow): bigint {
  return row.id ? (vcpu.vm.idRegisters.get(row.key) ?? 0n) : vcpu.readSysreg(row.name);
}

/** A field of one of the VM's ID registers is at least `least` (kvm_has_feat). */
function hasFeature(vcpu: Vcpu, register: number, shift: number, least: bigint): boolean {
  return (((vcpu.vm.idRegisters.get(register) ?? 0n) >> BigInt(shift)) & 0xfn) >= least;
}

const ID_AA64MMFR1_EL1 = 0xc039;
const ID_AA64MMFR3_EL1 = 0xc03b;
const TCR2_EL1 = 0xc103;

export const access = {
  /** access_rw, trap_debug_regs. */
  readWrite: (vcpu, row, write, value) => {
    if (!write) return read(vcpu, row);
    vcpu.writeSysreg(row.name, value);
    return 0n;
  },
  /** access_vm_reg: writes are trapped until the guest's MMU and caches are on. */
  translation: (vcpu, row, write, value) => {
    if (row.key === TCR2_EL1 && !hasFeature(vcpu, ID_AA64MMFR3_EL1, 0, 1n)) return null;
    if (!write) return read(vcpu, row);
    vcpu.writeSysreg(row.name, value);
    vcpu.stopTrappingVmRegisters();
    return 0n;
  },
  /** access_id_reg, access_ctr. */
  id: (vcpu, row, write) => (write ? null : read(vcpu, row)),
  readOnly: (vcpu, row, write) => (write ? null : read(vcpu, row)),
  /** access_actlr. */
  readOnlyWriteIgnored: (vcpu, row, write) => (write ? 0n : read(vcpu, row)),
  /** trap_raz_wi. */
  zero: () => 0n,
  undefined: () => null,
  /** trap_oslar_el1. */
  osLock: (vcpu, _row, write, value) => {
    if (!write) return null;
    const lock = (value & 1n) !== 0n ? OSLK : 0n;
    vcpu.writeSysreg('OSLSR_EL1', (vcpu.readSysreg('OSLSR_EL1') & ~OSLK) | lock);
    return 0n;
  },
  /** trap_loregion. */
  orderingRegion: (vcpu, row, write) => {
    if (!hasFeature(vcpu, ID_AA64MMFR1_EL1, 16, 1n)) return null;
    return write && row.name === 'LORID_EL1' ? null : 0n;
  },
  /** access_ccsidr. */
  cacheSize: (vcpu, _row, write) => {
    if (write) return null;
    return cacheGeometry(vcpu, Number(vcpu.readSysreg('CSSELR_EL1') & CSSELR_VALID));
  },
  /** access_arch_timer. */
  physicalTimer: (vcpu, row, write, value) => vcpu.timers.trapped(row.name, write, value),
} as const satisfies Record<string, Access>;
