import { refuse, type Refusal } from '../refusal.ts';
import { hex } from '../usercopy.ts';
import type { Vcpu } from '../vcpu.ts';
import { FEATURE_FIELDS, type FeatureField } from './fields.ts';
import type { SysregRow } from './rows.ts';

const U64 = 0xffff_ffff_ffff_ffffn;

function fieldMask(field: FeatureField): bigint {
  return ((1n << BigInt(field.width)) - 1n) << BigInt(field.shift);
}

function fieldValue(field: FeatureField, value: bigint): bigint {
  const bits = (value >> BigInt(field.shift)) & ((1n << BigInt(field.width)) - 1n);
  return field.signed ? BigInt.asIntN(field.width, bits) : bits;
}

/** The value both can agree on (arm64_ftr_safe_value). */
function safeValue(field: FeatureField, asked: bigint, limit: bigint): bigint {
  switch (field.safe) {
    case 'exact':
      return field.otherwise;
    case 'lower':
      return asked < limit ? asked : limit;
    case 'higher-or-zero':
      if (asked === 0n || limit === 0n) return 0n;
      return asked > limit ? asked : limit;
    case 'higher':
      return asked > limit ? asked : limit;
  }
}

function refused(row: SysregRow, message: string, kernel = 'arm64_check_features'): Refusal {
  return refuse('EINVAL', 'id-register.limit', `${row.name}: ${message}`, kernel);
}

/** Whether a value promises no more than the host has (arm64_check_features). */
function checkFeatures(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  if (row.visibility?.(vcpu)?.raz) {
    return value === 0n ? null : refused(row, `reads as zero, and ${hex(value)} is not`);
  }
  const fields = FEATURE_FIELDS[row.name];
  if (!fields) return refused(row, 'has no feature that could change');
  const limit = idLimit(vcpu, row);
  const writable = row.writable ?? 0n;
  let mask = 0n;
  for (const field of fields) {
    const bits = fieldMask(field);
    if ((bits & writable) !== bits) continue;
    mask |= bits;
    const asked = fieldValue(field, value);
    const most = fieldValue(field, limit);
    if (asked !== most && safeValue(field, asked, most) !== asked) {
      return refused(
        row,
        `field ${field.shift + field.width - 1}:${field.shift} can't be ${asked} where the host has ${most}`,
      );
    }
  }
  if ((value & ~mask & U64) === (limit & ~mask & U64)) return null;
  return refused(row, `${hex(value)} changes bits that are fixed at ${hex(limit & ~mask & U64)}`);
}

/** What KVM lets a guest of this vCPU's features see of the host's register (the row's reset). */
export function idLimit(vcpu: Vcpu, row: SysregRow): bigint {
  if (row.visibility?.(vcpu)?.raz) return 0n;
  const host = vcpu.vm.kvm.host.model.id[row.name] ?? 0n;
  return (row.sanitise?.(vcpu, host) ?? host) & U64;
}

/** KVM_SET_ONE_REG of an ID register (set_id_reg). */
export function setIdRegister(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  const { vm } = vcpu;
  if (vm.hasRunOnce) {
    if (value === vm.idRegisters.get(row.key)) return null;
    return refuse('EBUSY', 'id-register.after-run', `${row.name} can't change once a vCPU has run`, 'set_id_reg');
  }
  const no = checkFeatures(vcpu, row, value);
  if (no) return no;
  vm.idRegisters.set(row.key, value);
  return null;
}

/** ID_AA64DFR0_EL1: a PMU that is IMPLEMENTATION DEFINED means none, and DebugVer has a least value (set_id_aa64dfr0_el1). */
export function setDebugFeatures(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  const PMUVER = 0xfn << 8n;
  const adjusted = (value & PMUVER) === PMUVER ? value & ~PMUVER : value;
  if ((value & 0xfn) < 6n) return refused(row, `DebugVer ${value & 0xfn} is below Armv8's`, 'set_id_aa64dfr0_el1');
  return setIdRegister(vcpu, row, adjusted);
}

/** ID_DFR0_EL1: a PMU that is IMPLEMENTATION DEFINED means none; PMUv3 and Armv8's debug are the least (set_id_dfr0_el1). */
export function setDebugFeaturesAarch32(vcpu: Vcpu, row: SysregRow, value: bigint): Refusal | null {
  const PERFMON = 0xfn << 24n;
  const adjusted = (value & PERFMON) === PERFMON ? value & ~PERFMON : value;
  const perfMon = (adjusted & PERFMON) >> 24n;
  const copDbg = value & 0xfn;
  if (perfMon !== 0n && perfMon < 3n) return refused(row, `PerfMon ${perfMon} is below PMUv3`, 'set_id_dfr0_el1');
  if (copDbg < 6n) return refused(row, `CopDbg ${copDbg} is below Armv8's`, 'set_id_dfr0_el1');
  return setIdRegister(vcpu, row, adjusted);
}
