import type { KvmModule } from '../kvm/module.ts';
import type { HostConfig } from './config.ts';
import { armPart, CORTEX_A57, detections } from './detected.ts';

export interface BootLine {
  /** Seconds, as dmesg prints them. */
  readonly time: number;
  readonly text: string;
  /** Why the kernel says it. */
  readonly because?: string;
}

/** KVM_PHYS_SHIFT: the IPA size that old VMMs take for granted. */
const DEFAULT_IPA_BITS = 40;

interface Message {
  /** Whether the kernel prints it here; absent: always. */
  readonly when?: (kvm: KvmModule) => boolean;
  readonly text: (kvm: KvmModule) => string;
  readonly because?: (kvm: KvmModule) => string;
}

/** What KVM calls the mode it runs in (init_subsystems, kvm_arm_init). */
function modeText(kvm: KvmModule): string {
  if (kvm.isProtected) return kvm.usesE2h ? 'Protected hVHE' : 'Protected nVHE';
  return kvm.usesE2h ? 'VHE' : 'Hyp nVHE';
}

function modeReason(kvm: KvmModule): string {
  const { vhe } = kvm.features;
  if (kvm.isProtected) {
    const part = vhe ? 'with HCR_EL2.E2H set, as the CPU has FEAT_VHE' : 'without FEAT_VHE';
    return `kvm-arm.mode=protected: the kernel goes down to EL1, a small part of KVM stays at EL2 ${part}.`;
  }
  if (kvm.host.mode === 'nvhe') {
    return vhe
      ? 'kvm-arm.mode=nvhe: the kernel runs at EL1 though the CPU has FEAT_VHE.'
      : 'ID_AA64MMFR1_EL1.VH is 0: without FEAT_VHE the kernel has to run at EL1, and KVM has a part at EL2.';
  }
  return 'ID_AA64MMFR1_EL1.VH is 1: with FEAT_VHE the kernel itself runs at EL2.';
}

/** Bits of ID_AA64MMFR0_EL1.PARange and what the page size and LPA2 leave of it (kvm_set_ipa_limit). */
function ipaReason(kvm: KvmModule): string {
  const { model } = kvm.host;
  const { paBits } = model.features;
  const { name } = kvm.granule;
  const range = `ID_AA64MMFR0_EL1.PARange says ${paBits} bits of physical address`;
  if (kvm.ipaLimit < paBits) {
    return `${range}, but with ${name} pages more than 48 need FEAT_LPA2 at both stages, which this CPU does not have.`;
  }
  if (kvm.ipaLimit > 48 && name !== '64K')
    return `${range}; with ${name} pages more than 48 are usable as the CPU has FEAT_LPA2 at both stages.`;
  if (kvm.ipaLimit > kvm.host.kernel.paBits)
    return `${range}; a guest's can have as many, though the kernel was built for 48 of its own (CONFIG_ARM64_PA_BITS_48).`;
  return `${range}; a guest's physical addresses can have no more.`;
}

const isCortexA57 = ({ host }: KvmModule): boolean => armPart(host.model.id.MIDR_EL1 ?? 0n) === CORTEX_A57;

/** FEAT_LPA2 or FEAT_LVA, and a kernel that was built for it: 52 bits of virtual address. */
const wideAddresses = ({ granule, features, host }: KvmModule): boolean =>
  host.kernel.vaBits === 52 && (granule.name === '64K' ? features.largeVa : features.lpa2);
/** Without FEAT_E0PD the kernel's address, which is random, is hidden from EL0 by tables of its own. */
const isolatesTables = ({ host }: KvmModule): boolean => (host.model.id.ID_AA64MMFR2_EL1 ?? 0n) >> 60n === 0n;
const NO_E0PD = 'ID_AA64MMFR2_EL1.E0PD is 0: EL0 could find out where the kernel is by the time that faults take.';

/** Up to what the boot CPU finds before the others are there. */
const EARLY: readonly Message[] = [
  {
    when: isolatesTables,
    text: () => 'CPU features: kernel page table isolation forced ON by KASLR',
    because: () => NO_E0PD,
  },
  {
    when: (kvm) => kvm.features.vhe && kvm.host.mode === 'vhe',
    text: () => 'CPU features: detected: Virtualization Host Extensions',
    because: () => 'ID_AA64MMFR1_EL1.VH is 1.',
  },
  {
    when: (kvm) => kvm.features.vhe && kvm.host.mode === 'nvhe',
    text: () => 'CPU features: SYS_ID_AA64MMFR1_EL1[11:8]: forced to 0',
    because: () => 'kvm-arm.mode=nvhe: the kernel takes the CPU for one without FEAT_VHE.',
  },
  {
    when: (kvm) => kvm.granule.name !== '64K' && wideAddresses(kvm),
    text: () => 'CPU features: detected: 52-bit Virtual Addressing (LPA2)',
    because: ({ granule }) => `ID_AA64MMFR0_EL1.TGran${granule.name.slice(0, -1)} says FEAT_LPA2 at stage 1.`,
  },
  {
    when: (kvm) => kvm.granule.name === '64K' && wideAddresses(kvm),
    text: () => 'CPU features: detected: 52-bit Virtual Addressing (LVA)',
    because: () => 'ID_AA64MMFR2_EL1.VARange says FEAT_LVA.',
  },
  {
    when: (kvm) => kvm.host.mode !== 'vhe' && wideAddresses(kvm),
    text: () => 'Capping linear region to 51 bits for KVM in nVHE mode on LVA capable hardware.',
    because: () => 'The kernel at EL1 and KVM at EL2 share 52 bits: the half that the linear map leaves is for EL2.',
  },
  { text: () => 'CPU: All CPU(s) started at EL2', because: () => 'Firmware handed the kernel EL2, which KVM needs.' },
];

/** After what all CPUs have in common. */
const LATE: readonly Message[] = [
  {
    when: isolatesTables,
    text: () => 'CPU features: detected: Kernel page table isolation (KPTI)',
    because: () => NO_E0PD,
  },
  {
    when: (kvm) => kvm.features.lpa2,
    text: () => 'CPU features: detected: 52-bit Virtual Addressing for KVM (LPA2)',
    because: ({ granule }) => `ID_AA64MMFR0_EL1.TGran${granule.name.slice(0, -1)}_2 says FEAT_LPA2 at stage 2.`,
  },
  {
    when: (kvm) => kvm.features.stage2ForceWriteBack,
    text: () => 'CPU features: detected: Stage-2 Force Write-Back',
    because: () => 'ID_AA64MMFR2_EL1.FWB is 1: stage 2 makes RAM cacheable whatever the guest says.',
  },
  {
    when: (kvm) => kvm.isProtected && kvm.usesE2h,
    text: () => 'CPU features: detected: VHE for hypervisor only',
    because: () => 'The kernel runs at EL1, its hypervisor part at EL2 with HCR_EL2.E2H.',
  },
  {
    when: (kvm) => kvm.isProtected,
    text: () => 'CPU features: detected: Protected KVM',
    because: () => 'kvm-arm.mode=protected.',
  },
  {
    when: isCortexA57,
    text: () => 'kvm [1]: Guests without required CPU erratum workarounds can deadlock system!',
    because: () => "Cortex-A57's erratum 832075: a guest that does not work around it can hang the CPU.",
  },
  {
    when: (kvm) => kvm.failure !== null,
    text: () => 'kvm [1]: PAGE_SIZE not supported at Stage-2, giving up',
    because: (kvm) => `${kvm.failure ?? ''}: there is no /dev/kvm.`,
  },
  {
    when: (kvm) => kvm.failure === null,
    text: (kvm) => {
      const reduced = kvm.ipaLimit < DEFAULT_IPA_BITS ? ' (Reduced IPA size, limited VM/VMM compatibility)' : '';
      return `kvm [1]: IPA Size Limit: ${kvm.ipaLimit} bits${reduced}`;
    },
    because: ipaReason,
  },
  {
    when: (kvm) => kvm.failure === null,
    text: (kvm) => `kvm [1]: ${modeText(kvm)} mode initialized successfully`,
    because: modeReason,
  },
];

/** The kernel whose answers were recorded, and what of a later one it has. */
function kernelLine({ psci }: HostConfig): { text: string; because: string } {
  return psci === '1.3'
    ? {
        text: 'Linux version 6.12.117-psci13',
        because: 'KVM as in Linux 6.12, but for PSCI 1.2 and 1.3: those are of 6.13.',
      }
    : { text: 'Linux version 6.12.117', because: 'The kernel whose answers this host gives, as they were recorded.' };
}

/** Lines before the kernel has a clock. */
const UNTIMED = 3;
const FIRST_LINE = 0.3;
const LINE_TIME = 0.004;

/** What the kernel's log says of KVM and what KVM depends on. Times are counted, as all time here is. */
export function bootLog(config: HostConfig, kvm: KvmModule): BootLine[] {
  const ram = config.ram
    .map(({ base, size }) => `0x${base.toString(16)}-0x${(base + size - 1n).toString(16)}`)
    .join(', ');
  const lines: { text: string; because?: string }[] = [
    {
      text: `Booting Linux on physical CPU 0x0000000000 [0x${(kvm.host.model.id.MIDR_EL1 ?? 0n).toString(16).padStart(8, '0')}]`,
      because: `MIDR_EL1 of ${kvm.host.model.name}.`,
    },
    kernelLine(config),
    { text: `Memory: ${ram}`, because: 'RAM as the memory node gives it.' },
  ];
  const say = (messages: readonly Message[]) => {
    for (const { when, text, because } of messages) {
      if (when && !when(kvm)) continue;
      lines.push(because ? { text: text(kvm), because: because(kvm) } : { text: text(kvm) });
    }
  };
  say(EARLY);
  for (const { text, because } of detections(kvm)) lines.push({ text: `CPU features: detected: ${text}`, because });
  say(LATE);
  return lines.map((line, index) => ({
    time: index < UNTIMED ? 0 : Number((FIRST_LINE + index * LINE_TIME).toFixed(6)),
    ...line,
  }));
}
