import type { Sandbox } from '../session/messages.ts';

/** What a person's own sandbox begins with: the shortest VM that runs and ends by itself. */
export const STARTER: Sandbox = {
  host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: 0x4000_0000n, size: 0x0800_0000n }] },
  script: `// A VMM of your own. It stops at every \`await ioctl\` if you step with F10.
const kvm = open('/dev/kvm');
print('KVM API version', await ioctl(kvm, KVM_GET_API_VERSION));

// A VM whose guest physical (intermediate physical) addresses have 40 bits.
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);

// Memory of this process becomes the guest's, with the program at its beginning.
const ram = alloc(0x10000);
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, {
  slot: 0,
  guest_phys_addr: guest.origin,
  memory_size: ram.size,
  userspace_addr: ram.address,
});

const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);

const run = mmap(vcpu, await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE)).as('kvm_run');
await ioctl(vcpu, KVM_RUN);
print('exit reason', run.exit_reason);
`,
  guest: `// The guest, at EL1 with its MMU off.
_start:
\tmov\tx1, #6
\tmov\tx2, #7
\tmul\tx0, x1, x2

\t// PSCI SYSTEM_OFF ends KVM_RUN with KVM_EXIT_SYSTEM_EVENT.
\tmov\tw0, #0x84000000
\tadd\tw0, w0, #8
\thvc\t#0
\tb\t.
`,
};
