import type { HostModel } from '../kvm/module.ts';
import type { CpuModel, CpuPresetName } from '../machine/presets.ts';

/** ID registers by name; PerfMon of ID_DFR0_EL1 is KVM's own. */
type Registers = Readonly<Record<string, bigint>>;

/** What of a real CPU's identity this machine lacks. */
interface Identity {
  /** The highest level that can be in AArch32: ID_AA64PFR0_EL1 says so of it and of those below. */
  readonly highestAarch32: 0 | 2;
  /** AArch32's. */
  readonly registers: Registers;
  /** FEAT_RNG. */
  readonly random?: boolean;
}

/** Armv8.0's AArch32, as the Cortex-A53 and A57 have them; what they leave out reads as zero. */
const ARMV8_0: Registers = {
  ID_PFR0_EL1: 0x131n,
  ID_PFR1_EL1: 0x1001_1001n,
  ID_DFR0_EL1: 0x0301_0006n,
  ID_MMFR0_EL1: 0x1010_1105n,
  ID_MMFR1_EL1: 0x4000_0000n,
  ID_MMFR2_EL1: 0x0126_0000n,
  ID_MMFR3_EL1: 0x0210_2211n,
  ID_ISAR0_EL1: 0x0210_1110n,
  ID_ISAR1_EL1: 0x1311_2111n,
  ID_ISAR2_EL1: 0x2123_2042n,
  ID_ISAR3_EL1: 0x0111_2131n,
  ID_ISAR4_EL1: 0x0001_1142n,
  ID_ISAR5_EL1: 0x0001_1121n,
  MVFR0_EL1: 0x1011_0222n,
  MVFR1_EL1: 0x1211_1111n,
  MVFR2_EL1: 0x43n,
};

const CPUS: Readonly<Record<CpuPresetName, Identity>> = {
  'cortex-a53': { highestAarch32: 2, registers: ARMV8_0 },
  'cortex-a57': { highestAarch32: 2, registers: ARMV8_0 },
  'cortex-a72': { highestAarch32: 2, registers: { ...ARMV8_0, ID_MMFR0_EL1: 0x1020_1105n } },
  'neoverse-n1': {
    highestAarch32: 0,
    registers: {
      ...ARMV8_0,
      ID_PFR0_EL1: 0x1_0131n,
      ID_PFR1_EL1: 0x1001_0000n,
      ID_PFR2_EL1: 0x11n,
      ID_DFR0_EL1: 0x0401_0008n,
      ID_MMFR0_EL1: 0x1020_1105n,
      ID_MMFR3_EL1: 0x0212_2211n,
      ID_MMFR4_EL1: 0x2_1110n,
      ID_ISAR4_EL1: 0x0001_0142n,
      ID_ISAR5_EL1: 0x0101_1121n,
      ID_ISAR6_EL1: 0x10n,
      MVFR1_EL1: 0x1321_1111n,
    },
  },
  max: {
    highestAarch32: 2,
    random: true,
    registers: {
      ...ARMV8_0,
      ID_PFR0_EL1: 0x0102_0131n,
      ID_PFR2_EL1: 0x11n,
      ID_DFR0_EL1: 0x0601_0009n,
      ID_MMFR3_EL1: 0x0212_2211n,
      ID_MMFR4_EL1: 0x1_1110n,
      ID_MMFR5_EL1: 1n,
      ID_ISAR5_EL1: 0x0101_1121n,
      ID_ISAR6_EL1: 0x0111_1111n,
      MVFR1_EL1: 0x1321_1111n,
    },
  },
};

const LEVELS = [0, 1, 2];
const BOTH_STATES = 2n;
const RNDR = 1n << 60n;

/** The model with what the real CPU says of itself and this machine has not: for the host's kernel to find. */
export function realIdentity(model: CpuModel): HostModel {
  const { highestAarch32, registers, random } = CPUS[model.name];
  const pfr0 = LEVELS.filter((level) => level <= highestAarch32).reduce(
    (value, level) => (value & ~(0xfn << BigInt(4 * level))) | (BOTH_STATES << BigInt(4 * level)),
    model.id.ID_AA64PFR0_EL1 ?? 0n,
  );
  const isar0 = (model.id.ID_AA64ISAR0_EL1 ?? 0n) | (random ? RNDR : 0n);
  return { ...model, id: { ...model.id, ...registers, ID_AA64PFR0_EL1: pfr0, ID_AA64ISAR0_EL1: isar0 } };
}

/** ID_AA64ISAR1_EL1.APA, API, GPA and GPI. */
const POINTER_AUTHENTICATION = 0xff00_0ff0n;

export function withoutPointerAuthentication(model: HostModel): HostModel {
  const isar1 = (model.id.ID_AA64ISAR1_EL1 ?? 0n) & ~POINTER_AUTHENTICATION;
  return { ...model, id: { ...model.id, ID_AA64ISAR1_EL1: isar1 } };
}
