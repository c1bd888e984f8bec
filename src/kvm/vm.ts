import type { Pa } from '../abi/address.ts';
import { CAPABILITIES } from '../abi/capabilities.ts';
import { ARM_TARGETS } from '../abi/constants.ts';
import { kvm_arm_copy_mte_tags, kvm_enable_cap, kvm_vcpu_init } from '../abi/structs.ts';
import { capability, checkExtension } from './capabilities.ts';
import type { AddressSpaceListener, Caller, Descriptor, IoctlRun, UserAddressSpace } from './descriptor.ts';
import { getWritableMasks, irqLine, irqLineStatus, setCounterOffset, vmAttribute } from './attributes.ts';
import { registerZone, unregisterZone, type Zone } from './coalesced.ts';
import { resetDirtyRings } from './dirtyring.ts';
import type { FilterRange } from './smcccfilter.ts';
import { createDevice, type Device } from './device.ts';
import { clearDirtyLog, getDirtyLog } from './dirty.ts';
import { dispatch, handlerTable, unknownIoctl } from './dispatch.ts';
import { SmcccFeatures } from './firmware.ts';
import { ioEventFd, type IoEvent } from './ioeventfd.ts';
import { createIrqchip, irqFd, setDeviceAddress, setGsiRouting, signalMsi } from './irqchip.ts';
import { setUserMemoryRegion, setUserMemoryRegion2, Memslots, ageUserRange, unmapUserRange } from './memslots.ts';
import type { KvmModule } from './module.ts';
import type { RegScopeEncoding } from './proposals/regscope.ts';
import { DONE, isRefusal, refuse, type IoctlResult, type Refusal } from './refusal.ts';
import { HALT_POLL_NS } from './run/halt.ts';
import { openStatistics, Statistics, StatisticsFile, VM_STATISTICS } from './stats.ts';
import { Stage2 } from './stage2/tables.ts';
import { hex, readUser, writeUser } from './usercopy.ts';
import { createVcpu, type Vcpu } from './vcpu.ts';

/** KVM_PHYS_SHIFT: what a VM of type 0 has. */
const DEFAULT_IPA_BITS = 40;
/** ARM64_MIN_PARANGE_BITS. */
const LEAST_IPA_BITS = 32;
const IPA_SIZE_MASK = 0xffn;

/** The IPA size that KVM_CREATE_VM's argument asks for (kvm_init_ipa_range). */
function ipaBitsOf(kvm: KvmModule, type: bigint): number | Refusal {
  const no = (rule: string, message: string): Refusal => refuse('EINVAL', `vm.${rule}`, message, 'kvm_init_ipa_range');
  if ((type & ~IPA_SIZE_MASK) !== 0n) {
    return no('type', `the VM type ${hex(type)} has bits above the IPA size, which is in bits 7:0`);
  }
  const asked = Number(type);
  if (kvm.isProtected) return kvm.ipaLimit;
  if (asked === 0) {
    if (DEFAULT_IPA_BITS <= kvm.ipaLimit) return DEFAULT_IPA_BITS;
    return no('ipa-default', `type 0 means ${DEFAULT_IPA_BITS} bits of IPA, above this host's limit, ${kvm.ipaLimit}`);
  }
  if (asked > kvm.ipaLimit)
    return no('ipa-above-limit', `the IPA size ${asked} is above this host's limit, ${kvm.ipaLimit}`);
  if (asked < LEAST_IPA_BITS)
    return no('ipa-below-minimum', `the IPA size ${asked} is below the least, ${LEAST_IPA_BITS}`);
  return asked;
}

function preferredTarget(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const target = { target: ARM_TARGETS.KVM_ARM_TARGET_GENERIC_V8 };
  return writeUser(caller.memory, arg, kvm_vcpu_init, target) ?? DONE;
}

/** KVM_ENABLE_CAP (kvm_vm_ioctl_enable_cap_generic, kvm_vm_ioctl_enable_cap). */
function enableCap(vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_enable_cap);
  if (isRefusal(given)) return given;
  const row = capability(BigInt(given.cap));
  if (row?.enable) return row.enable(vm, given);
  const known = Object.entries(CAPABILITIES).find(([, number]) => number === given.cap);
  const name = known?.[0] ?? `capability ${given.cap}`;
  return refuse('EINVAL', 'enable-cap.unknown', `${name} can't be enabled on a VM`, 'kvm_vm_ioctl_enable_cap');
}

/** KVM_ARM_MTE_COPY_TAGS (kvm_vm_ioctl_mte_copy_tags): no VM has MTE here. */
function copyTags(_vm: Vm, arg: bigint, caller: Caller): IoctlResult {
  const given = readUser(caller.memory, arg, kvm_arm_copy_mte_tags);
  if (isRefusal(given)) return given;
  return refuse('EINVAL', 'mte.none', 'the VM has no MTE', 'kvm_vm_ioctl_mte_copy_tags');
}

const HANDLERS = handlerTable<Vm>({
  KVM_CHECK_EXTENSION: (vm, arg) => checkExtension(vm.kvm, vm, arg),
  KVM_SET_USER_MEMORY_REGION: setUserMemoryRegion,
  KVM_SET_USER_MEMORY_REGION2: setUserMemoryRegion2,
  KVM_GET_DIRTY_LOG: getDirtyLog,
  KVM_CLEAR_DIRTY_LOG: clearDirtyLog,
  KVM_CREATE_VCPU: createVcpu,
  KVM_ARM_PREFERRED_TARGET: preferredTarget,
  KVM_ENABLE_CAP: enableCap,
  KVM_CREATE_DEVICE: createDevice,
  KVM_HAS_DEVICE_ATTR: vmAttribute('has'),
  KVM_SET_DEVICE_ATTR: vmAttribute('set'),
  KVM_RESET_DIRTY_RINGS: resetDirtyRings,
  KVM_REGISTER_COALESCED_MMIO: registerZone,
  KVM_UNREGISTER_COALESCED_MMIO: unregisterZone,
  KVM_IRQ_LINE: irqLine,
  KVM_IRQ_LINE_STATUS: irqLineStatus,
  KVM_IRQFD: irqFd,
  KVM_IOEVENTFD: ioEventFd,
  KVM_SIGNAL_MSI: signalMsi,
  KVM_SET_GSI_ROUTING: setGsiRouting,
  KVM_ARM_SET_DEVICE_ADDR: setDeviceAddress,
  KVM_CREATE_IRQCHIP: createIrqchip,
  KVM_GET_STATS_FD: (vm, _arg, caller) => openStatistics(() => new StatisticsFile(vm.name, vm.statistics, vm), caller),
  KVM_ARM_SET_COUNTER_OFFSET: setCounterOffset,
  KVM_ARM_MTE_COPY_TAGS: copyTags,
  KVM_ARM_GET_REG_WRITABLE_MASKS: getWritableMasks,
});

/** A virtual machine. */
export class Vm implements Descriptor {
  readonly kind = 'vm';
  readonly kvm: KvmModule;
  /** The address space that made the VM; no other may use it. */
  readonly mm: UserAddressSpace;
  readonly stage2: Stage2;
  readonly memslots = new Memslots();
  /** As the kernel calls it, by the process that made it. */
  readonly name: string;
  readonly statistics = new Statistics(VM_STATISTICS);
  readonly ioEvents: IoEvent[] = [];
  readonly devices = new Set<Device>();
  /** By vcpu_idx: in order of creation. */
  readonly vcpus: Vcpu[] = [];
  readonly smccc = new SmcccFeatures();
  /** The page behind page 1 of every vCPU's mapping. */
  readonly coalescedRing: Pa;

  coalescedZones: readonly Zone[] = [];
  readonly smcccFilter: FilterRange[] = [];
  /** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2's argument. */
  manualDirtyLogProtect = 0;
  /** Bytes; 0: no ring. */
  dirtyRingSize = 0;
  dirtyRingWithBitmap = false;
  /** KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE in bytes; 0: no eager splitting. */
  splitChunkSize = 0n;
  /** Nanoseconds that a halted vCPU polls at most (kvm_vcpu_max_halt_poll_ns). */
  haltPollLimit = HALT_POLL_NS;
  /** KVM_CAP_ARM_NISV_TO_USER. */
  returnsNisv = false;
  /** KVM_CAP_ARM_SYSTEM_SUSPEND. */
  systemSuspend = false;
  /** Event counters of the vCPUs' PMUs (pmcr_n), 0 before a vCPU has a PMU; events that may be counted, null: all. */
  pmuCounters = 0;
  pmuChosen = false;
  pmuFilter: Uint8Array | null = null;
  /** KVM_CAP_ARM_REG_SCOPE. */
  regScope: RegScopeEncoding | null = null;
  /** KVM_ARM_VCPU_INIT's features, the same for all vCPUs; null before the first. */
  vcpuFeatures: number | null = null;
  /** KVM_REG_ARM_PSCI_VERSION as userspace chose it; 0: not. */
  psciVersion = 0n;
  /** ID registers, which all vCPUs share; by encoding. Empty before the first KVM_ARM_VCPU_INIT. */
  readonly idRegisters = new Map<number, bigint>();
  /** KVM_ARCH_FLAG_ID_REGS_INITIALIZED. */
  idRegistersSet = false;
  /** What the guest's counters are behind the host's; set by KVM_ARM_SET_COUNTER_OFFSET once `counterOffsetSet`. */
  readonly counterOffset = { virtual: 0n, physical: 0n };
  counterOffsetSet = false;
  /** KVM_ARCH_FLAG_HAS_RAN_ONCE. */
  hasRunOnce = false;
  /** Times that pages of the process behind a slot have gone (mmu_invalidate_seq). */
  invalidations = 0;
  /** kvm_vm_dead: every ioctl is EIO. */
  dead = false;

  /** The VM's descriptor and each vCPU's hold one. */
  #users = 1;
  readonly #listener: AddressSpaceListener;

  private constructor(kvm: KvmModule, caller: Caller, stage2: Stage2, coalescedRing: Pa) {
    const mm = caller.memory;
    this.kvm = kvm;
    this.mm = mm;
    this.name = `kvm-${caller.pid}`;
    this.stage2 = stage2;
    this.coalescedRing = coalescedRing;
    this.#listener = {
      invalidate: (start, end) => unmapUserRange(this, start, end),
      age: (start, end, flush) => ageUserRange(this, start, end, flush),
    };
    mm.addListener(this.#listener);
    kvm.vms.add(this);
  }

  static create(kvm: KvmModule, type: bigint, caller: Caller): Vm | Refusal {
    const ipaBits = ipaBitsOf(kvm, type);
    if (typeof ipaBits !== 'number') return ipaBits;
    const stage2 = Stage2.create(kvm, ipaBits);
    if (!stage2)
      return refuse('ENOMEM', 'vm.no-memory', 'the host has no memory for the start tables', 'kvm_pgtable_stage2_init');
    const ring = kvm.host.memory.pages.allocate();
    if (ring !== null) return new Vm(kvm, caller, stage2, ring);
    stage2.destroy();
    return refuse(
      'ENOMEM',
      'vm.no-memory',
      'the host has no memory for the coalesced MMIO ring',
      'kvm_coalesced_mmio_init',
    );
  }

  get ipaBits(): number {
    return this.stage2.ipaBits;
  }

  ioctl(request: number, arg: bigint, caller: Caller): IoctlRun {
    const refused = this.unusable(caller);
    if (refused) return refusing(refused);
    return dispatch(HANDLERS, this, request, arg, caller, unknownIoctl('vm', 'kvm_arch_vm_ioctl'));
  }

  /** Why no ioctl of the VM or its vCPUs is taken, or null. */
  unusable(caller: Caller): Refusal | null {
    if (this.mm !== caller.memory) {
      return refuse('EIO', 'vm.other-process', 'another process made this VM', 'kvm_vm_ioctl');
    }
    return this.dead
      ? refuse('EIO', 'vm.dead', 'the VM is dead after an error that it can not come back from', 'kvm_vm_ioctl')
      : null;
  }

  vcpuById(id: number): Vcpu | null {
    return this.vcpus.find((vcpu) => vcpu.id === id) ?? null;
  }

  retain(): void {
    this.#users++;
  }

  /** kvm_put_kvm: with the last user everything of the VM goes. */
  release(): void {
    if (--this.#users > 0) return;
    this.kvm.vms.delete(this);
    this.mm.removeListener(this.#listener);
    for (const vcpu of this.vcpus) vcpu.destroy();
    this.stage2.destroy();
    this.kvm.host.memory.pages.free(this.coalescedRing);
  }
}

function* refusing(refusal: Refusal): IoctlRun {
  return refusal;
}
