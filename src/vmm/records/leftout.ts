/** Why a record that differs is no difference of KVM's rules: what it asks about is not in our hosts. By rule, never by name. */
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { ARM_VCPU_FEATURES } from '../../abi/constants.ts';
import { ioctlByName, ioctlNumber } from '../../abi/ioctls.ts';
import type { HostConfig } from '../../host/config.ts';
import { argument, type Recorded } from './record.ts';
import { logText } from './sections/env.ts';

export type LeftOut =
  | 'not replayed yet'
  | 'AArch32'
  | 'SVE'
  | 'random numbers'
  | 'MTE'
  | 'interrupt controller'
  | "identity of the emulator's max CPU"
  | 'implementation defined registers'
  | "memory attributes of the emulator's"
  | 'a running counter'
  | 'nested virtualization'
  | "the recording machine's command line and memory"
  | 'the probe had failed before';

type Rule = (record: Recorded, config: HostConfig) => boolean;

const cap =
  (...names: (keyof typeof CAPABILITIES)[]): Rule =>
  (record) =>
    record.args.cap !== undefined && names.some((name) => argument(record, 'cap') === BigInt(CAPABILITIES[name]));

/** The feature words that a record gives to KVM_ARM_VCPU_INIT, all that it names. */
function features(record: Recorded): number {
  const words = ['features0', 'features', 'feat', 'first', 'second', 'vcpu0', 'vcpu1'].map((name) =>
    Number(argument(record, name)),
  );
  const single = record.args.word === 0 ? 1 << Number(argument(record, 'bit')) : 0;
  return words.reduce((all, word) => all | word, single);
}
const feature =
  (...names: (keyof typeof ARM_VCPU_FEATURES)[]): Rule =>
  (record) =>
    names.some((name) => (features(record) & (1 << ARM_VCPU_FEATURES[name])) !== 0);
const about =
  (pattern: RegExp): Rule =>
  ({ case: name, args }) =>
    pattern.test(name) || pattern.test(String(args.config ?? ''));
const register =
  (pattern: RegExp): Rule =>
  ({ args }) =>
    pattern.test(String(args.name ?? args.reg ?? ''));

/** A line of the boot log. */
const says =
  (pattern: RegExp): Rule =>
  ({ case: name, out }) =>
    name === 'dmesg' && pattern.test(logText(out.line));

/** PSTATE.M[4]: an AArch32 mode. */
const aarch32Mode: Rule = (record) => record.case.startsWith('SET_pstate') && (argument(record, 'val') & 0x10n) !== 0n;

/** The feature ID space. */
const idRegister = register(/^S3_[0-3]_C0_C[0-7]_[0-7]$/);

/** KVM_REG_ARM_TIMER_CNT and KVM_REG_ARM_PTIMER_CNT, the system registers they stand for, and CNTVCT_EL0 itself. */
const COUNTERS: ReadonlySet<bigint> = new Set([0xdf1an, 0xdf01n, 0xdf02n]);
const counter: Rule = (record) => COUNTERS.has(argument(record, 'id') & 0xffffn);

/** Ioctls of interrupt controllers and their routing; KVM_CHECK_EXTENSION without an argument asks for KVM_CAP_IRQCHIP. */
const INTERRUPT_IOCTLS: ReadonlySet<number> = new Set(
  [
    'KVM_ARM_SET_DEVICE_ADDR',
    'KVM_CHECK_EXTENSION',
    'KVM_CREATE_IRQCHIP',
    'KVM_IOEVENTFD',
    'KVM_IRQFD',
    'KVM_IRQ_LINE_STATUS',
    'KVM_SET_GSI_ROUTING',
    'KVM_SIGNAL_MSI',
  ].flatMap((name) => {
    const row = ioctlByName(name);
    return row ? [ioctlNumber(row, 'arm64') >>> 0] : [];
  }),
);
const KVM_TYPE = 0xae00;
/** A record that asks for a number without an argument, and has the number in its answer. */
const interruptIoctl: Rule = ({ sec, args, out }) =>
  sec === 'ioctls' && INTERRUPT_IOCTLS.has(args.ioctl === undefined ? KVM_TYPE | Number(out.nr) : Number(out.nr));

/** A sweep over the registers of one op0, op1 and CRn. */
const sweep =
  (op0: number, op1: number | null, ...crn: number[]): Rule =>
  ({ sec, args }) =>
    sec === 'sysreg' && args.op0 === op0 && (op1 === null || args.op1 === op1) && crn.includes(Number(args.crn));

const RULES: readonly (readonly [LeftOut, readonly Rule[]])[] = [
  [
    'SVE',
    [
      cap('KVM_CAP_ARM_SVE'),
      feature('KVM_ARM_VCPU_SVE'),
      says(/Scalable Vector/),
      about(/sve/i),
      (r) => r.args.sve_feature === 1,
      // ZCR_EL1 and SMCR_EL1; SMIDR_EL1; SVCR; TPIDR2_EL0: SVE and SME came together.
      (record, config) =>
        config.cpu === 'max' &&
        [sweep(3, 0, 1), sweep(3, 1, 0), sweep(3, 3, 4, 13)].some((each) => each(record, config)),
    ],
  ],
  // RNDR and RNDRRS.
  ['random numbers', [sweep(3, 3, 2)]],
  ['MTE', [cap('KVM_CAP_ARM_MTE'), about(/mte/i), says(/MTE|Memory Tagging/)]],
  [
    'AArch32',
    [
      cap('KVM_CAP_ARM_EL1_32BIT'),
      feature('KVM_ARM_VCPU_EL1_32BIT'),
      about(/32bit/i),
      aarch32Mode,
      register(/^S3_0_C0_C[123]_/),
      // PMCR_EL0.LC is RES1 without AArch32.
      register(/^S3_3_C9_C12_0$/),
    ],
  ],
  [
    'interrupt controller',
    [
      cap(
        'KVM_CAP_IRQCHIP',
        'KVM_CAP_IRQ_ROUTING',
        'KVM_CAP_IRQFD',
        'KVM_CAP_IRQFD_RESAMPLE',
        'KVM_CAP_IOEVENTFD',
        'KVM_CAP_IOEVENTFD_ANY_LENGTH',
        'KVM_CAP_IOEVENTFD_NO_LENGTH',
        'KVM_CAP_SIGNAL_MSI',
        'KVM_CAP_MSI_DEVID',
        'KVM_CAP_DEVICE_CTRL',
        'KVM_CAP_ARM_SET_DEVICE_ADDR',
      ),
      about(/vgic|gic_|gicd/),
      says(/GIC/i),
      (record) => argument(record, 'gic') !== 0n || record.args.gic === 'created' || record.args.gic === 'init',
      interruptIoctl,
      // ICC_*_EL1.
      sweep(3, 0, 12),
    ],
  ],
  // KVM's tables of traps for a guest's EL2.
  ['nested virtualization', [says(/ nv: /)]],
  ["the recording machine's command line and memory", [says(/^Kernel command line|: Reserved /)]],
  ['a running counter', [counter, sweep(3, 3, 14)]],
  ['implementation defined registers', [sweep(3, null, 11, 15)]],
  // PAR_EL1 of an address that stage 1 does not translate.
  ["memory attributes of the emulator's", [(record) => record.args.snippet === 'at']],
  // The vCPU could not be initialized: what was asked of it then says nothing of what the case is about.
  ['the probe had failed before', [({ case: name, errno }) => !name.includes('before_init') && errno === 'ENOEXEC']],
  [
    "identity of the emulator's max CPU",
    [
      (record, config) =>
        config.cpu === 'max' &&
        (idRegister(record, config) || about(/^MMFR/)(record, config) || sweep(3, 0, 0)(record, config)),
    ],
  ],
];

/** Why a record that differs is left out, or null where it is not. */
export function leftOut(record: Recorded, config: HostConfig): LeftOut | null {
  return RULES.find(([, rules]) => rules.some((rule) => rule(record, config)))?.[0] ?? null;
}
