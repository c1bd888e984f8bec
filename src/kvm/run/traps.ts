import { HCR, ICC_SRE, MDCR } from '../../machine/el2.ts';
import { debugRegisters, endDebug } from '../guestdebug.ts';
import type { Vcpu } from '../vcpu.ts';

/** What of the guest is taken to EL2: the control registers that hold while it runs (kvm_calculate_traps, __activate_traps). */

const HSTR_T15 = 1n << 15n;
/** As the kernel has set it at boot (__init_el2_gicv3). */
const ICC_SRE_GICV3 = ICC_SRE.SRE | ICC_SRE.ENABLE;
const CPTR_E2H_FPEN = 3n << 20n;
const CPTR_NVHE_RES1 = 0x33ffn;
const MDCR_GUEST = MDCR.TPM | MDCR.TPMCR | MDCR.TDRA | MDCR.TDOSA | MDCR.TDA;
const ID_AA64ISAR0_EL1 = 0xc030;
const CTR_EL0 = 0xd801;

function idField(vcpu: Vcpu, key: number, shift: bigint): bigint {
  return ((vcpu.vm.idRegisters.get(key) ?? 0n) >> shift) & 0xfn;
}

/** Bits of HCR_EL2 that follow from the host and the VM's ID registers, before the first run (vcpu_set_hcr). */
export function calculateTraps(vcpu: Vcpu): void {
  const { kvm, idRegisters } = vcpu.vm;
  const { features } = kvm;
  const { id } = kvm.host.model;
  let hcr = vcpu.hcr;
  if (kvm.usesE2h) hcr |= HCR.E2H;
  if (features.ras) hcr |= HCR.TEA | HCR.TERR;
  if (features.stage2ForceWriteBack) hcr |= HCR.FWB;
  if (vcpu.hasPointerAuthentication) hcr |= HCR.API | HCR.APK;
  const evt = (((id.ID_AA64MMFR2_EL1 ?? 0n) >> 56n) & 0xfn) !== 0n;
  hcr |= evt && idRegisters.get(CTR_EL0) === id.CTR_EL0 ? HCR.TID4 : HCR.TID2;
  if (idField(vcpu, ID_AA64ISAR0_EL1, 56n) === 0n) hcr |= HCR.TTLBOS;
  vcpu.hcr = hcr;
}

/** The world switch to the guest: EL2's registers, then its own. */
export function enterGuest(vcpu: Vcpu): void {
  const { stage2, kvm, counterOffset } = vcpu.vm;
  const { el2 } = kvm.host.cpu;
  kvm.vmids.update(stage2);
  el2.HCR_EL2 = vcpu.hcr;
  el2.VTCR_EL2 = stage2.vtcr;
  el2.VTTBR_EL2 = stage2.vttbr;
  el2.VPIDR_EL2 = kvm.host.model.id.MIDR_EL1 ?? 0n;
  el2.VMPIDR_EL2 = vcpu.readSysreg('MPIDR_EL1');
  el2.CPTR_EL2 = kvm.usesE2h ? CPTR_E2H_FPEN : CPTR_NVHE_RES1;
  // A guest that userspace debugs has its debug exceptions taken to EL2.
  el2.MDCR_EL2 = vcpu.debug.control === 0 ? MDCR_GUEST : MDCR_GUEST | MDCR.TDE;
  el2.HSTR_EL2 = HSTR_T15;
  // A guest without a GIC sees ICC_SRE_EL1 all the same.
  el2.ICC_SRE_EL2 = kvm.host.gic === 'v3' ? ICC_SRE_GICV3 : 0n;
  el2.CNTHCTL_EL2 = vcpu.timers.access;
  el2.CNTVOFF_EL2 = counterOffset.virtual;
  // A line that is up is known to whoever has the interrupt controller (kvm_timer_vcpu_load_gic, kvm_timer_vcpu_load_nogic).
  const { timerInterrupts } = kvm.host.cpu;
  timerInterrupts.virtual = !vcpu.timers.fires('virtual');
  timerInterrupts.physical = vcpu.timers.physicalIsGuests && !vcpu.timers.fires('physical');
  el2.VSESR_EL2 = kvm.features.ras ? vcpu.vsesr : 0n;
  kvm.worldSwitches++;
  kvm.host.cpu.debugWith(debugRegisters(vcpu));
  kvm.host.cpu.load(vcpu.context);
}

/** Back in the host: the guest's registers are the vCPU's again. */
export function leaveGuest(vcpu: Vcpu): void {
  const { cpu } = vcpu.vm.kvm.host;
  cpu.save(vcpu.context);
  endDebug(vcpu);
  // Taking a virtual SError clears it.
  if ((vcpu.hcr & HCR.VSE) !== 0n && (cpu.el2.HCR_EL2 & HCR.VSE) === 0n) vcpu.hcr &= ~HCR.VSE;
}
