import { ipa as toIpa } from '../../abi/address.ts';
import { MEM_FLAGS } from '../../abi/constants.ts';
import type { Vcpu } from '../../kvm/vcpu.ts';
import { decodeDescriptor, mairText } from '../../machine/translation/descriptor.ts';
import { faultText, type Fault, type FaultType } from '../../machine/translation/fault.ts';
import { power } from '../../machine/translation/format.ts';
import { Mmu } from '../../machine/translation/mmu.ts';
import type { WalkView } from '../messages.ts';
import type { Inspected } from './inspected.ts';
import { locateIpa, slotAt, stage1On } from './locate.ts';
import { hex } from './text.ts';
import { stage1Context, stage2Context } from './trees.ts';

const ACCESS = { read: 'read', write: 'write', execute: 'fetch' } as const;
const SHAREABILITY = ['Non-shareable', '', 'Outer Shareable', 'Inner Shareable'];

/** The walk as the CPU would do it now, through the stage 2 that is there now; nothing is changed by it. */
export function walkView(inspected: Inspected, vcpu: Vcpu, va: bigint, access: keyof typeof ACCESS): WalkView {
  const { vm, context } = vcpu;
  const mmu = new Mmu(inspected.memory, vm.kvm.host.model.features);
  mmu.configure({
    SCTLR_EL1: context.read('SCTLR_EL1'),
    TCR_EL1: context.read('TCR_EL1'),
    TTBR0_EL1: context.read('TTBR0_EL1'),
    TTBR1_EL1: context.read('TTBR1_EL1'),
    MAIR_EL1: context.read('MAIR_EL1'),
    HCR_EL2: vcpu.hcr,
    VTCR_EL2: vm.stage2.vtcr,
    VTTBR_EL2: vm.stage2.vttbr,
  });
  const el = (context.pstate & 0xcn) === 0n ? 0 : 1;
  const { steps, result, why, causes } = mmu.trace(va, {
    access: ACCESS[access],
    el,
    pan: (context.pstate >> 22n) % 2n === 1n,
  });
  const meaning = { 1: stage1Context(vcpu, (va >> 55n) % 2n === 0n ? 0 : 1), 2: stage2Context(vm) };
  return {
    view: 'walk',
    va,
    tlb: inspected.tlb,
    steps: steps.map((step) => {
      const { stage, level, forAddress, index, descriptorIpa, descriptorPa, value } = step;
      const { kind, fields } = decodeDescriptor(step.format, level, value, meaning[stage]);
      return {
        stage,
        level,
        forAddress,
        index,
        descriptorIpa: descriptorIpa === null ? null : BigInt(descriptorIpa),
        descriptorPa: BigInt(descriptorPa),
        value,
        kind,
        fields,
      };
    }),
    result: result.ok
      ? {
          ok: true,
          ipa: BigInt(result.ipa),
          pa: BigInt(result.pa),
          meaning: `${mairText(result.attributes.mair)}, ${SHAREABILITY[result.attributes.shareability] ?? ''}`,
        }
      : {
          ok: false,
          stage: result.stage,
          level: result.level,
          fault: faultText(result),
          message:
            result.stage === 2
              ? `${why}. ${stage2Message(inspected, vcpu, result, access)}`
              : stage1On(vcpu)
                ? why
                : FLAT,
          refusing: causes.flatMap(({ read }) => (read === null ? [] : [read + 1])),
        },
  };
}

/** Without stage 1 only the size of an address can be wrong. */
const FLAT = 'Stage 1 is off, and the address has more bits than physical addresses have here';

/** What KVM would make of a stage 2 fault (kvm_handle_guest_abort, user_mem_abort). */
function stage2Message(
  inspected: Inspected,
  { vm }: Vcpu,
  { type, ipa, s1ptw }: Fault,
  access: keyof typeof ACCESS,
): string {
  const at = `IPA ${hex(ipa)}`;
  const abort = access === 'execute' ? 'an Instruction Abort' : 'a Data Abort';
  if (type === 'translation' && ipa >= power(vm.kvm.ipaLimit))
    return `${at} is above the host's ${vm.kvm.ipaLimit} bits of IPA: KVM gives the guest ${abort}, an Address size fault`;
  if (ipa >= power(vm.ipaBits))
    return `${at} is above the VM's ${vm.ipaBits} bits of IPA: KVM gives the guest ${abort}`;
  if (type === 'externalAbortOnWalk') return 'KVM gives the guest an SError';
  const does = DOES[type];
  if (!does) return 'KVM_RUN ends with EFAULT: KVM makes no such tables (kvm_handle_guest_abort)';
  // A device can't answer a fetch, nor the read of a descriptor.
  const outside =
    access === 'execute' || s1ptw ? `KVM gives the guest ${abort}` : 'KVM leaves to userspace with KVM_EXIT_MMIO';
  const slot = slotAt(vm, toIpa(ipa));
  if (!slot) return `${at} is in no memory slot: ${outside}`;
  // Of the reads of a stage 1 walk KVM takes those that lack a permission for writes (kvm_is_write_fault).
  const write = s1ptw ? type === 'permission' : access === 'write';
  if (write && (slot.flags & MEM_FLAGS.KVM_MEM_READONLY) !== 0) {
    return `${at} is in slot ${slot.id}, which is read-only: ${outside}`;
  }
  const found = locateIpa(vm, inspected.process, BigInt(ipa));
  const behind = found.ok ? `host page ${hex(found.pa)}` : `a page of the process that is ${found.missing}`;
  const place = `${at} is in slot ${slot.id}, ${behind}`;
  if (type === 'permission' && !write && access === 'read')
    return `${place}: KVM_RUN ends with EFAULT, since KVM maps nothing that can't be read (user_mem_abort)`;
  const allowed = s1ptw ? 'the walk write' : `the guest ${access}`;
  return `${place}: KVM ${does(allowed)} when the guest gets here`;
}

/** What KVM does about a fault where there is memory; it knows no others. */
const DOES: Readonly<Partial<Record<FaultType, (allowed: string) => string>>> = {
  translation: () => 'maps it',
  permission: (allowed) => `lets ${allowed} there`,
  accessFlag: () => 'sets the Access flag',
};
