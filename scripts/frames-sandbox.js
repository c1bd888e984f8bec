/** A VM that keeps 100,000 pages of 4K mapped and its dirty log taken again and again: what moves to another host, while it runs. */
export const PAGES = 100_000;

const script = `
const SIZE = ${PAGES} * PAGE_SIZE;
const vm = await ioctl(open('/dev/kvm'), KVM_CREATE_VM, 40);
const code = alloc(0x10_0000, { shared: true });
code.write(0, guest.bytes);
const ram = alloc(SIZE);
const slot = (slot: number, flags: number, guest_phys_addr: bigint, from: ReturnType<typeof alloc>) => ioctl(vm, KVM_SET_USER_MEMORY_REGION, {
  slot, flags, guest_phys_addr, memory_size: from.size, userspace_addr: from.address,
});
await slot(0, 0, guest.origin, code);
await slot(1, KVM_MEM_LOG_DIRTY_PAGES, 0x8000_0000n, ram);
const bitmap = alloc(Math.ceil(${PAGES} / 64) * 8);
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
await ioctl(vcpu, KVM_RUN);
print('mapped');
for (;;) {
  await ioctl(vm, KVM_GET_DIRTY_LOG, { slot: 1, dirty_bitmap: bitmap.address });
  await ioctl(vcpu, KVM_RUN);
}
`;

/** Stage 1 is one table of blocks of 1 GiB. Each page is written once; then a thousand of them again and again. */
const guest = `
        .equ    LEVEL1, 0x40010000
        .equ    BLOCK,  0x701
        .equ    RAM,    0x80000000
        .equ    DOOR,   0x30000000
_start: ldr     x0, =LEVEL1
        ldr     x1, =BLOCK
        mov     x2, #4
        ldr     x3, =0x40000000
1:      str     x1, [x0], #8
        add     x1, x1, x3
        subs    x2, x2, #1
        b.ne    1b
        dsb     ish
        mov     x0, #0xff
        msr     mair_el1, x0
        ldr     x0, =0x200803519
        msr     tcr_el1, x0
        ldr     x0, =LEVEL1
        msr     ttbr0_el1, x0
        isb
        mrs     x0, sctlr_el1
        orr     x0, x0, #1
        msr     sctlr_el1, x0
        isb
        ldr     x9, =DOOR
        ldr     x0, =RAM
        ldr     x1, =${PAGES}
map:    str     x1, [x0]
        add     x0, x0, #1, lsl #12
        subs    x1, x1, #1
        b.ne    map
        str     x1, [x9]
again:  ldr     x0, =RAM
        mov     x1, #1000
dirty:  str     x1, [x0]
        add     x0, x0, #97, lsl #12
        subs    x1, x1, #1
        b.ne    dirty
        str     x1, [x9]
        b       again
`.trimStart();

/** As the page keeps a person's sandbox between visits. */
export const draft = {
  host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: '0x40000000', size: '0x20000000' }] },
  script,
  guest,
  breakpoints: [],
};
