import { ARM_REG_CLASSES, KVM_REG_ARM64 } from '../../../abi/onereg.ts';

/** ARM64_SYS_REG(op0, op1, CRn, CRm, op2). */
export function sysregId(op0: number, op1: number, crn: number, crm: number, op2: number): bigint {
  const encoding = (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
  return KVM_REG_ARM64 | (3n << 52n) | (BigInt(ARM_REG_CLASSES.sysreg) << 16n) | BigInt(encoding);
}
