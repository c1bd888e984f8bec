import { ARM_VCPU_FEATURES } from '../../../abi/constants.ts';
import { reg_mask_range } from '../../../abi/structs.ts';
import { errnoName, type Probe } from '../probe.ts';
import { argument, hex, type Answer, type Recorded } from '../record.ts';
import { sysregId } from './registers.ts';
import type { Section } from './section.ts';

const PSCI_0_2 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PSCI_0_2;
const MPIDR_EL1 = sysregId(3, 0, 0, 0, 5);
const ID_AA64MMFR = [0, 1, 2].map((n) => sysregId(3, 0, 0, 7, n));
const MASKS = 192 * 8;

export const regmut: Section = (probe) => {
  const masks = probe.map({ length: MASKS });
  const plain = probe.vm();
  let run = { vm: -1, vcpu: -1 };
  const vcpus = probe.vm();
  const byId = new Map<number, number>();
  const MMFR0 = ID_AA64MMFR[0]!;

  const vcpuOf = (id: number): number => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    const made = probe.vcpu(vcpus, id);
    probe.init(made, [PSCI_0_2]);
    byId.set(id, made);
    return made;
  };
  return {
    GET_REG_WRITABLE_MASKS: (record) =>
      probe.call(plain, 'KVM_ARM_GET_REG_WRITABLE_MASKS', reg_mask_range, {
        addr: record.args.addr === undefined ? masks : argument(record, 'addr'),
        range: Number(argument(record, 'range')),
        reserved: [Number(argument(record, 'reserved'))],
      }),
    run_before_idreg_set: () => {
      run = probe.initialized(PSCI_0_2);
      return probe.runImmediately(run.vcpu);
    },
    id_field_sweep: fieldSweep(probe, masks),
    // Without the record of the run before, it had failed: the register was written to a VM that had not run.
    idreg_set_same_after_immexit_run: () =>
      run.vcpu < 0 ? null : probe.setReg(run.vcpu, MMFR0, probe.getReg(run.vcpu, MMFR0).value),
    idreg_set_diff_after_immexit_run: () => {
      if (run.vcpu < 0) return null;
      const { value } = probe.getReg(run.vcpu, MMFR0);
      const field = value & 0xfn;
      return probe.setReg(run.vcpu, MMFR0, (value & ~0xfn) | (field === 0n ? 0n : field - 1n));
    },
    MPIDR: (record) => {
      const { value, ...answer } = probe.getReg(vcpuOf(Number(argument(record, 'vcpu_id'))), MPIDR_EL1);
      return { ...answer, out: { mpidr: hex(value) } };
    },
    MPIDR_set_diff: (record) => {
      const vcpu = vcpuOf(Number(argument(record, 'vcpu_id')));
      return probe.setReg(vcpu, MPIDR_EL1, probe.getReg(vcpu, MPIDR_EL1).value ^ 1n);
    },
    MMFR_by_ipa: (record) => {
      const { vm, vcpu } = probe.initialized(PSCI_0_2, argument(record, 'type'));
      const [mmfr0, mmfr1, mmfr2] = ID_AA64MMFR.map((id) => hex(probe.getReg(vcpu, id).value));
      probe.close(vcpu, vm);
      return { ret: 0, errno: null, out: { mmfr0: mmfr0!, mmfr1: mmfr1!, mmfr2: mmfr2! } };
    },
  };
};

const REGISTER = /^S3_(\d)_C0_C(\d)_(\d)$/;
const PMU_V3 = 1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PMU_V3;
const PTRAUTH =
  (1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PTRAUTH_ADDRESS) | (1 << ARM_VCPU_FEATURES.KVM_ARM_VCPU_PTRAUTH_GENERIC);
const FIELDS = 16;
const VALUES = 16;
const REFUSED: Readonly<Record<string, string>> = { EINVAL: 'I', EBUSY: 'B', EPERM: 'P', ENOENT: 'N' };

/** Every value of every field of an ID register: what writing it does. */
function fieldSweep(probe: Probe, masks: bigint): (record: Recorded) => Answer | null {
  let made: { vm: number; vcpu: number } | null = null;
  const renew = (): number => {
    if (made) probe.close(made.vcpu, made.vm);
    const all = probe.initialized(PSCI_0_2 | PMU_V3 | PTRAUTH);
    if (!all.init.errno) return (made = all).vcpu;
    probe.close(all.vcpu, all.vm);
    return (made = probe.initialized(PSCI_0_2 | PMU_V3)).vcpu;
  };
  const write = (id: bigint, value: bigint, before: bigint): string => {
    const vcpu = made?.vcpu ?? renew();
    const refused = errnoName(probe.setReg(vcpu, id, value));
    if (refused !== '0') return REFUSED[refused] ?? '?';
    const after = probe.getReg(vcpu, id).value;
    probe.setReg(vcpu, id, before);
    if (probe.getReg(vcpu, id).value !== before) renew();
    return after === value ? 'o' : after === before ? 'i' : 'x';
  };
  return (record) => {
    const place = REGISTER.exec(String(record.args.reg));
    const vcpu = made?.vcpu ?? renew();
    if (!place || !made) return null;
    const [op1 = 0, crm = 0, op2 = 0] = place.slice(1).map(Number);
    const id = sysregId(3, op1, 0, crm, op2);
    const { value } = probe.getReg(vcpu, id);
    probe.call(made.vm, 'KVM_ARM_GET_REG_WRITABLE_MASKS', reg_mask_range, { addr: masks, range: 0 });
    const mask = probe.words(masks + 8n * BigInt((op1 === 3 ? 2 : op1) * 64 + crm * 8 + op2), 1)[0] ?? 0n;
    const recorded = Array.isArray(record.out.fields) ? record.out.fields.map(String) : [];
    const fields = Array.from({ length: FIELDS }, (_, field) => {
      const shift = BigInt(4 * field);
      const current = Number((value >> shift) & 0xfn);
      const theirs = recorded[field] ?? '';
      // A field that has another value says nothing: the CPU is another one.
      if (theirs.indexOf('=') !== current) return theirs;
      return Array.from({ length: VALUES }, (_, to) =>
        to === current ? '=' : write(id, (value & ~(0xfn << shift)) | (BigInt(to) << shift), value),
      ).join('');
    });
    return { ret: 0, errno: null, out: { writable_mask: hex(mask), fields }, unasked: ['val'] };
  };
}
