import { describe, expect, it } from 'vitest';
import { readFileSync, readdirSync } from 'node:fs';
import ts from 'typescript';
import { scriptTypes } from './types.ts';

const OPTIONS: ts.CompilerOptions = {
  lib: ['lib.es2023.d.ts'],
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  strict: true,
  types: [],
};

/** What an editor with these declarations marks in a script, line by line. */
function typeErrors(script: string): string[] {
  const files = new Map([
    ['/stage2.d.ts', scriptTypes],
    ['/script.ts', `${script}\nexport {};`],
  ]);
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile } = host;
  host.getSourceFile = (name, target) => {
    const text = files.get(name);
    return text === undefined ? getSourceFile(name, target) : ts.createSourceFile(name, text, target);
  };
  const program = ts.createProgram([...files.keys()], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

describe('the declarations for an editor', () => {
  it('are right in themselves', () => {
    expect(typeErrors('')).toEqual([]);
    expect(scriptTypes.length).toBeLessThan(400_000);
  });

  it('let a VMM be written', () => {
    expect(
      typeErrors(`
        const kvm = open('/dev/kvm');
        const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
        const ram = alloc(0x20_0000, { align: 0x20_0000 });
        ram.write(0, guest.bytes);
        const region = struct('kvm_userspace_memory_region', { slot: 0, guest_phys_addr: 0x4000_0000, memory_size: ram.size, userspace_addr: ram.address });
        region.flags = KVM_MEM_READONLY;
        await ioctl(vm, KVM_SET_USER_MEMORY_REGION, region);
        await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 1, memory_size: 0n });
        const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
        const init = struct('kvm_vcpu_init');
        await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
        init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
        await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
        await setOneReg(vcpu, 'pc', guest.entry);
        const x0: bigint = await getOneReg(vcpu, regs.x0);
        const run = mmap(vcpu, await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE)).as('kvm_run');
        for (;;) {
          await ioctl(vcpu, KVM_RUN);
          switch (run.exit_reason) {
            case KVM_EXIT_MMIO:
              if (run.mmio.is_write) uart.write(run.mmio.data[0]);
              else run.mmio.data = [uart.read() ?? 0];
              break;
            case KVM_EXIT_SYSTEM_EVENT:
              print(run.system_event.type === KVM_SYSTEM_EVENT_SHUTDOWN, x0);
          }
        }`),
    ).toEqual([]);
  });

  it('know the system calls beside ioctl, with their flags', () => {
    expect(
      typeErrors(`
        const hole = mmap(-1, 4 * PAGE_SIZE, 0, { prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, address: 0x1_0000_0000n });
        mprotect(hole.slice(0, PAGE_SIZE), PROT_READ | PROT_WRITE);
        madvise(hole, MADV_NOHUGEPAGE);
        munmap(hole);
        const event: number = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
        const taken: number = write(event, [1, 0, 0, 0, 0, 0, 0, 0]);
        const bytes: Uint8Array = read(event, 8);
        const name: string = registerName(KVM_REG_ARM_STD_BMAP | (1n << 28n));
        close(event);
        const call = ioctl(3, KVM_RUN);
        pthread_kill(call, SIGRTMIN);
        await call;
        print(taken, bytes, name, KVM_ARM_PSCI_1_3, PSCI_SYSTEM_OFF2);`),
    ).toEqual([]);
  });

  it.each([
    ['mprotect(0x1000, PROT_READ)', 'Memory'],
    ["open('/dev/kvm').foo", 'foo'],
    ['await ioctl(3, KVM_CREATE_VM, "40")', 'string'],
    ['await ioctl(3, KVM_SET_USER_MEMORY_REGION, { slut: 1 })', 'slut'],
    ["struct('kvm_run').mmio.phys_adr", 'phys_adr'],
    ['await ioctl(ioctl(3, KVM_CREATE_VM, 0), KVM_RUN)', 'Promise'],
    ["await setOneReg(3, 'x31', 0)", 'x31'],
    ['pthread_kill(3, SIGUSR1)', 'Promise'],
    ['pthread_kill(getOneReg(3, "pc"), SIGUSR1)', 'Promise'],
  ])('see the mistake in %s', (source, word) => {
    const errors = typeErrors(source);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(word);
  });

  const labs = new URL('../../labs/', import.meta.url);
  const names = readdirSync(labs, { withFileTypes: true }).filter((each) => each.isDirectory());
  it.each(names.map(({ name }) => name))('fit the script of lab %s', (name) => {
    expect(typeErrors(readFileSync(new URL(`${name}/vmm.ts.txt`, labs), 'utf8'))).toEqual([]);
  });
});
