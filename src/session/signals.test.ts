import { describe, expect, it } from 'vitest';
import { Page } from './page.testing.ts';
import { CPU_ON, OFF, vmm } from './threads.testing.ts';

async function printed(guest: string, script: string, goal: 'run' | 'stepInstruction' = 'run'): Promise<string> {
  const page = await Page.open(structuredClone);
  page.load(guest, script);
  do page.do({ type: goal });
  while (page.status.state === 'paused' && page.status.reason !== 'pause');
  expect(page.status).toMatchObject({ state: 'finished' });
  return page.printed('script');
}

/** `kick(…signals)` runs the vCPU and signals its thread; `mask(…signals)` is KVM_SET_SIGNAL_MASK. */
const kicked = (end: string): string =>
  vmm(
    1,
    `const vcpu = vcpus[0]!;
const run = mmap(vcpu, size).as('kvm_run');
async function kick(...signals: number[]): Promise<void> {
  const call = ioctl(vcpu, KVM_RUN);
  for (const signal of signals) pthread_kill(call, signal);
  print(await call.catch((error: IoctlError) => error.errno), 'exit', run.exit_reason, 'flags', run.flags);
}
async function mask(...signals: number[]): Promise<void> {
  const set = alloc(12);
  set.setU32(0, 8);
  set.setU64(4, signals.reduce((all, signal) => all | (1n << BigInt(signal - 1)), 0n));
  await ioctl(vcpu, KVM_SET_SIGNAL_MASK, set);
}
${end}`,
  );
const STORE = `_start: ldr     x8, =0x09000000
1:      strb    wzr, [x8]
        b       1b
`;

describe('a signal to a thread', () => {
  it('takes its vCPU out of KVM_RUN: EINTR and KVM_EXIT_INTR, and no instruction is done', async () => {
    const script = kicked(`run.flags = 5;
await kick(SIGUSR1);
print(await getOneReg(vcpu, 'pc') === guest.entry);
await kick();`);
    expect(await printed(STORE, script)).toBe('EINTR exit 10 flags 0\ntrue\n0 exit 6 flags 0\nend\n');
  });

  it('waits while the vCPU’s mask blocks it, is over with the call, and is nothing without one', async () => {
    const script = kicked(`await mask(SIGUSR1);
await kick(SIGUSR1);
await kick(SIGUSR1, SIGUSR2);
await kick();
await kick(SIGUSR1, 64);
await ioctl(vcpu, KVM_SET_SIGNAL_MASK);
await kick(SIGUSR1);
await kick(0);`);
    expect(await printed(STORE, script)).toBe(
      ['0 exit 6', 'EINTR exit 10', '0 exit 6', 'EINTR exit 10', 'EINTR exit 10', '0 exit 6']
        .map((line) => `${line} flags 0\n`)
        .join('') + 'end\n',
    );
  });

  it('is not what immediate_exit is: that leaves kvm_run as it was', async () => {
    const script = kicked(`await kick();
run.flags = 5;
run.immediate_exit = 1;
await kick();
run.immediate_exit = 0;
await kick();`);
    expect(await printed(STORE, script)).toBe('0 exit 6 flags 0\nEINTR exit 6 flags 5\n0 exit 6 flags 0\nend\n');
  });

  it.each([
    ['waits for an interrupt', 'wfi'],
    ['does not come to an end', 'b .'],
    ['is off', `ldr     w0, =0x84000002\n        hvc     #0`],
  ])('of another vCPU’s thread ends the KVM_RUN of one that %s, run or stepped', async (_, waits) => {
    const guest = `_start:\n${CPU_ON}        ${waits}\nsecond: ldr x8, =0x09000000\n        strb    w0, [x8]\n${OFF}`;
    const script = vmm(
      2,
      `const calls: Promise<number>[] = [];
async function loop(fd: number): Promise<void> {
  const id = vcpus.indexOf(fd);
  const run = mmap(fd, size).as('kvm_run');
  for (;;) {
    calls[id] = ioctl(fd, KVM_RUN);
    const answer = await calls[id].catch((error: IoctlError) => error.errno);
    print('vCPU', id, answer, run.exit_reason);
    if (run.exit_reason !== KVM_EXIT_MMIO) return;
    pthread_kill(calls[0]!, SIGALRM);
  }
}
await Promise.all(vcpus.map(loop));`,
    );
    const whole = await printed(guest, script);
    expect(whole.split('\n').sort()).toEqual(['', 'end', 'vCPU 0 EINTR 10', 'vCPU 1 0 24', 'vCPU 1 0 6']);
    if (waits === 'wfi') expect(await printed(guest, script, 'stepInstruction')).toBe(whole);
  });
});
