import { describe, expect, it } from 'vitest';
import { USUAL_HOST } from '../labs/host.ts';
import { runChecked } from './checked.ts';

const GUEST = `
_start: ldr x1, =0x40100000
loop:   ldr x2, [x1]
        ldr x9, =0x09000000
        str x2, [x9]
        b loop`;

/** Goes through the pages, with a store for each, and leaves where they end. */
const WALK = GUEST.replace('b loop', 'add x1, x1, #4096\n b loop');

/** A VM with a data slot of four pages at 0x40100000. */
const SETUP = `
const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const code = alloc(PAGE_SIZE, { shared: true });
code.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: code.size, userspace_addr: code.address });
const data = mmap(-1, 4 * PAGE_SIZE);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 1, guest_phys_addr: 0x40100000, memory_size: data.size, userspace_addr: data.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
const run = mmap(vcpu, await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE)).as('kvm_run');
async function step() {
  try {
    await ioctl(vcpu, KVM_RUN);
    return run.mmio.data[0];
  } catch (error) {
    return error.errno;
  }
}
const attempt = (call) => { try { return call(); } catch (error) { return error.errno ?? error.name; } };
`;

async function printed(script: string, guest = GUEST): Promise<string> {
  const sandbox = { host: USUAL_HOST, script: SETUP + script, guest };
  const result = await runChecked({ sandbox, expect: [] }, { timeout: 20_000 });
  expect(result.end).toBe('finished');
  return result.script;
}

describe('system calls of a script', () => {
  it('take memory away from a guest, and give it back', async () => {
    const said = await printed(`
      data.setU8(0, 7);
      print(await step());
      mprotect(data, PROT_NONE);
      print(await step(), await step(), attempt(() => data.getU8(0)));
      mprotect(data, PROT_READ);
      print(await step(), attempt(() => data.setU8(0, 1)));
      madvise(data, MADV_DONTNEED);
      print(await step());
      munmap(data.slice(0, PAGE_SIZE));
      print(await step(), attempt(() => mprotect(data, PROT_READ)), attempt(() => madvise(data, 99)));
    `);
    expect(said).toBe('7\nEFAULT EFAULT RangeError\n7 RangeError\n0\nEFAULT ENOMEM EINVAL\n');
  });

  it('hear of a guest’s stores by an event, and read its statistics', async () => {
    const said = await printed(
      `
      const event = eventfd(0, EFD_NONBLOCK);
      print(attempt(() => read(event, 8)));
      await ioctl(vm, KVM_IOEVENTFD, { addr: 0x9000000, len: 8, fd: event });
      await step();
      print(run.mmio.is_write, hex(run.mmio.phys_addr), new BigUint64Array(read(event, 8).buffer)[0]);
      const stats = await ioctl(vcpu, KVM_GET_STATS_FD);
      const header = new Uint32Array(read(stats, 24).buffer);
      const name = read(stats, 8, 24);
      print(header[1], header[2] > 10, String.fromCharCode(...name).startsWith('kvm-'));
      print(write(event, new BigUint64Array([41n])), new BigUint64Array(read(event, 8).buffer)[0]);
      close(event);
      print(attempt(() => close(event)), attempt(() => read(event, 8)), attempt(() => read(vcpu, 8)), attempt(() => write(vm, [1])));
    `,
      WALK,
    );
    expect(said).toBe('EAGAIN\n0 0x40104000 0x4\n48 true true\n8 0x29\nEBADF EBADF EINVAL EINVAL\n');
  });

  it('find the host’s page behind a guest’s, and ask whether the guest has used it', async () => {
    const said = await printed(
      `
      const pagemap = open('/proc/self/pagemap');
      const idle = open('/sys/kernel/mm/page_idle/bitmap');
      const page = data.slice(PAGE_SIZE, PAGE_SIZE);
      page.setU8(0, 1);
      const word = (bytes: Uint8Array): bigint => new BigUint64Array(bytes.buffer)[0]!;
      const entry = word(read(pagemap, 8, 8n * page.address / BigInt(PAGE_SIZE)));
      const frame = entry & ((1n << 55n) - 1n);
      const isIdle = (): boolean => ((word(read(idle, 8, frame / 64n * 8n)) >> (frame % 64n)) & 1n) === 1n;
      print(entry >> 63n, isIdle(), write(idle, new BigUint64Array([1n << (frame % 64n)]), frame / 64n * 8n), isIdle());
      await step();
      print(isIdle());
      await step();
      print(isIdle());
    `,
      WALK,
    );
    expect(said).toBe('0x1 false 8 true\ntrue\nfalse\n');
  });
});
