import { ARM_VCPU_FEATURES } from '../../../abi/constants.ts';
import { CAPABILITIES } from '../../../abi/capabilities.ts';
import { coreRegId, CORE_REGS, oneRegSize } from '../../../abi/onereg.ts';
import { errnoName } from '../probe.ts';
import { argument, hex, type Answer, type Recorded } from '../record.ts';
import { sysregId } from './registers.ts';
import type { Case, Section } from './section.ts';

const bit = (name: keyof typeof ARM_VCPU_FEATURES): number => 1 << ARM_VCPU_FEATURES[name];
const PSCI = bit('KVM_ARM_VCPU_PSCI_0_2');
const PMU = bit('KVM_ARM_VCPU_PMU_V3');
const SVE = bit('KVM_ARM_VCPU_SVE');
const PTRAUTH = bit('KVM_ARM_VCPU_PTRAUTH_ADDRESS') | bit('KVM_ARM_VCPU_PTRAUTH_GENERIC');
const EL1_32BIT = bit('KVM_ARM_VCPU_EL1_32BIT');

interface Configuration {
  readonly features: number;
  readonly sve?: boolean;
  readonly vgic?: boolean;
  readonly mte?: boolean;
  readonly type?: bigint;
}

/** The probe's configurations by name. */
const CONFIGURATIONS: Readonly<Record<string, Configuration>> = {
  default: { features: 0 },
  psci02: { features: PSCI },
  poweroff: { features: PSCI | bit('KVM_ARM_VCPU_POWER_OFF') },
  pmu: { features: PSCI | PMU },
  sve: { features: PSCI | SVE, sve: true },
  ptrauth: { features: PSCI | PTRAUTH },
  sve_pmu_ptrauth: { features: PSCI | PMU | SVE | PTRAUTH, sve: true },
  el1_32bit: { features: EL1_32BIT },
  el1_32bit_pmu: { features: EL1_32BIT | PMU },
  has_el2: { features: PSCI | bit('KVM_ARM_VCPU_HAS_EL2') },
  psci02_vgic3: { features: PSCI, vgic: true },
  psci02_mte: { features: PSCI, mte: true },
  psci02_ipa36: { features: PSCI, type: 36n },
};

const X0 = coreRegId(CORE_REGS.find(({ name }) => name === 'x0')!);
const PSTATE = coreRegId(CORE_REGS.find(({ name }) => name === 'pstate')!);
const ID_AA64MMFR0_EL1 = sysregId(3, 0, 0, 7, 0);
const VGIC_V3 = 7;
/** More than any list has. */
const ROOM = 4096;
const SHOWN = 64;
const UNTOUCHED = 0xabab_abab_abab_ababn;

/** A register's value as the probe writes it: most significant byte first. */
function shown(bytes: Uint8Array): string {
  if (bytes.length > 16 && bytes.every((byte) => byte === 0)) return '0';
  const digits = [...bytes.subarray(0, SHOWN)].reverse().map((byte) => byte.toString(16).padStart(2, '0'));
  return `0x${digits.join('')}`;
}

export const reglist: Section = (probe) => {
  let vm = -1;
  let vcpu = -1;
  let init: Answer = { ret: -1, errno: null };
  let configured = '';
  let listed: ReadonlySet<bigint> = new Set();
  const list = probe.map({ length: 8 * (ROOM + 1) });

  const getList = (room: bigint) => {
    probe.process.memory.write(list, new Uint8Array(BigUint64Array.of(room, UNTOUCHED).buffer));
    const answer = probe.ioctl(vcpu, 'KVM_GET_REG_LIST', list);
    const [count, first] = probe.words(list, 2);
    return { answer, count: count!, untouched: first === UNTOUCHED };
  };
  const prepare = (features: number, type = 0n, before?: () => void, after?: () => void): void => {
    probe.close(vcpu, vm);
    vm = probe.vm(type);
    before?.();
    vcpu = probe.vcpu(vm);
    after?.();
    init = probe.init(vcpu, [features]);
  };
  const configure = (record: Recorded): void => {
    const name = String(record.args.config);
    if (name === configured) return;
    configured = name;
    const { features, sve, vgic, mte, type } = CONFIGURATIONS[name] ?? { features: 0 };
    prepare(
      features,
      type,
      () => mte && probe.enable(vm, BigInt(CAPABILITIES.KVM_CAP_ARM_MTE)),
      () => vgic && probe.device(vm, VGIC_V3),
    );
    if (sve) probe.finalize(vcpu, ARM_VCPU_FEATURES.KVM_ARM_VCPU_SVE);
    const { count } = getList(BigInt(ROOM));
    listed = new Set(init.errno ? [] : probe.words(list + 8n, Number(count)));
  };
  const inConfiguration =
    (work: (record: Recorded) => Answer): Case =>
    (record) => {
      configure(record);
      return work(record);
    };
  const needed = (): bigint => getList(0n).count;
  /** A vCPU of no configuration that other cases share. */
  const inOwn =
    (name: string, features: number, work: (record: Recorded) => Answer): Case =>
    (record) => {
      if (configured !== name) prepare(features);
      configured = name;
      return work(record);
    };
  const own = (work: (record: Recorded) => Answer): Case => inOwn('(psci02)', PSCI, work);
  const value = (bytes: Uint8Array): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);

  return {
    config_unavailable: inConfiguration(() => init),
    GET_REG_LIST_n0: inConfiguration(() => {
      const { answer, count } = getList(0n);
      return { ...answer, out: { n_returned: Number(count) } };
    }),
    'GET_REG_LIST_n-1': inConfiguration(() => {
      const { answer, count, untouched } = getList(needed() - 1n);
      return { ...answer, out: { n_returned: Number(count), reg0_untouched: untouched } };
    }),
    GET_REG_LIST_exact: inConfiguration((record) => {
      const { answer, count } = getList(argument(record, 'n'));
      return count === argument(record, 'n') ? answer : { ret: -1, errno: `${count} registers` };
    }),
    GET_REG_LIST_more: inConfiguration(() => {
      const { answer, count } = getList(needed() + 10n);
      return { ...answer, out: { n_returned: Number(count) } };
    }),
    MMFR0: inConfiguration(() => {
      const { value: val, ...answer } = probe.getReg(vcpu, ID_AA64MMFR0_EL1);
      return { ...answer, out: { val: hex(val) } };
    }),
    reg: inConfiguration((record) => {
      const id = argument(record, 'id');
      if (!listed.has(id)) return { ret: -1, errno: 'not listed' };
      const size = oneRegSize(id);
      const { bytes, ...answer } = probe.getBytes(vcpu, id, size);
      const setback = probe.setBytes(vcpu, id, bytes);
      return { ...answer, out: { val: shown(bytes), size, setback: errnoName(setback) } };
    }),
    special_id: own((record) => {
      const id = argument(record, 'id');
      const { bytes, ...answer } = probe.getBytes(vcpu, id, 256);
      const set = probe.setBytes(vcpu, id, bytes);
      return { ...answer, out: { val: hex(value(bytes)), set: errnoName(set) } };
    }),
    x0_id_bitflip: own((record) => {
      const { ret, errno } = probe.getBytes(vcpu, argument(record, 'id'), 4096);
      return { ret, errno };
    }),
    core_off_size: own((record) => {
      const size = Number(argument(record, 'size'));
      const offset = argument(record, 'offset') / 4n;
      const id = (X0 & ~(0xfn << 52n) & ~0xffffn) | (BigInt(Math.log2(size)) << 52n) | offset;
      const { ret, errno } = probe.getBytes(vcpu, id, 64);
      return { ret, errno };
    }),
    GET_bad_ptr: own(() => probe.oneReg(vcpu, 'GET', X0, 8n)),
    SET_bad_ptr: own(() => probe.oneReg(vcpu, 'SET', X0, 8n)),
    SET_pstate: own((record) => {
      const answer = probe.setReg(vcpu, PSTATE, argument(record, 'val'));
      return { ...answer, out: { readback: hex(probe.getReg(vcpu, PSTATE).value) } };
    }),
    SET_pstate_32bit_vcpu: inOwn('(el1_32bit)', EL1_32BIT, (record) =>
      probe.setReg(vcpu, PSTATE, argument(record, 'val')),
    ),
  };
};
