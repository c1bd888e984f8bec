/** For tests: a script with a thread for each vCPU, and what their guests say to PSCI. */

/** A VM whose vCPUs each have a thread of the VMM; all but the first are off. A store to 0x9000000 is printed. */
export const vmm = (cpus: number, end = 'await Promise.race(vcpus.map(thread));') => `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(0x1_0000, { shared: true });
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const size = await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
const vcpus: number[] = [];
for (let id = 0; id < ${cpus}; id++) {
  const fd = await ioctl(vm, KVM_CREATE_VCPU, id);
  init.features[0] = (1 << KVM_ARM_VCPU_PSCI_0_2) | (id > 0 ? 1 << KVM_ARM_VCPU_POWER_OFF : 0);
  await ioctl(fd, KVM_ARM_VCPU_INIT, init);
  vcpus.push(fd);
}
await setOneReg(vcpus[0]!, 'pc', guest.entry);
async function thread(fd: number): Promise<void> {
  const run = mmap(fd, size).as('kvm_run');
  for (;;) {
    await ioctl(fd, KVM_RUN);
    if (run.exit_reason !== KVM_EXIT_MMIO) break;
    print('vCPU', vcpus.indexOf(fd), 'says', run.mmio.data[0]);
  }
  print('vCPU', vcpus.indexOf(fd), 'exit', run.exit_reason);
}
${end}
print('end');
`;

export const CPU_ON = `
        ldr     w0, =0xc4000003         // CPU_ON
        mov     x1, #1
        adr     x2, second
        mov     x3, #7
        hvc     #0
`;
export const OFF = '        ldr     w0, =0x84000008\n        hvc     #0\n';
