import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Page } from './page.testing.ts';
import { CPU_ON, OFF, vmm } from './threads.testing.ts';

const CPU_OFF = '        ldr     w0, =0x84000002\n        hvc     #0\n';
/** Two CPUs hand a count to and fro, each waiting for the other in a loop. */
const PING_PONG = `_start: ldr     x9, =0x40008000
        ldr     x8, =0x09000000
${CPU_ON}
        mov     w4, #0
1:      add     w4, w4, #1
        stlr    w4, [x9]
2:      ldar    w5, [x9]
        cmp     w5, w4
        b.eq    2b
        mov     w4, w5
        cmp     w4, #40
        b.lt    1b
        strb    w4, [x8]
${OFF}
second: ldr     x9, =0x40008000
        mov     w6, #0
3:      ldar    w5, [x9]
        cmp     w5, w6
        b.eq    3b
        add     w6, w5, #1
        stlr    w6, [x9]
        b       3b
`;

let page: Page | null = null;
const fresh = async (): Promise<Page> => (page = await Page.open(structuredClone));
afterEach(() => {
  expect(page?.refusals).toEqual([]);
});

describe('vCPUs of several threads', () => {
  it('take turns on the one CPU, so that a guest may wait for another CPU', async () => {
    const { printed, status } = await finished(PING_PONG);
    expect(printed).toBe('vCPU 0 says 40\nvCPU 0 exit 24\nend\n');
    expect(status).toMatchObject({ state: 'finished' });
  });

  it('take the same turns whether they run, are stepped or are paused in between', async () => {
    const whole = await finished(PING_PONG);
    for (const goal of ['stepIoctl', 'stepExit'] as const) {
      const { status, printed } = await finished(PING_PONG, vmm(2), goal);
      expect([status.instructions, printed]).toEqual([whole.status.instructions, whole.printed]);
    }
    const stepped = await fresh();
    stepped.load(PING_PONG, vmm(2));
    for (let n = 0; n < 25_000 && stepped.status.state === 'paused'; n++) stepped.do({ type: 'stepInstruction' });
    stepped.do({ type: 'run' });
    expect([stepped.status.instructions, stepped.printed('script')]).toEqual([
      whole.status.instructions,
      whole.printed,
    ]);
  });

  it('have their turns also where one leaves to userspace again and again, the same ones however it is driven', async () => {
    const guest = `_start: ldr     x9, =0x40008000
        ldr     x8, =0x09000000
${CPU_ON}
        mov     w19, #150
1:      mov     w20, #40
2:      subs    w20, w20, #1
        b.ne    2b
        strb    wzr, [x8]
        subs    w19, w19, #1
        b.ne    1b
        ldr     w4, [x9]
        strb    w4, [x8]
        lsr     w4, w4, #8
        strb    w4, [x8]
${OFF}
second: ldr     x9, =0x40008000
3:      add     w5, w5, #1
        str     w5, [x9]
        b       3b
`;
    const whole = await finished(guest);
    expect(whole.printed).toMatch(/says [1-9]\d*\nvCPU 0 exit 24\nend\n$/);
    for (const goal of ['stepIoctl', 'stepInstruction'] as const) {
      const { printed, status } = await finished(guest, vmm(2), goal);
      expect([printed, status.instructions]).toEqual([whole.printed, whole.status.instructions]);
    }
  });

  it('a step shows both CPUs, one turn after the other', async () => {
    const here = await fresh();
    here.load(PING_PONG, vmm(2));
    const seen = new Set<number>();
    for (let n = 0; n < 12_000; n++) seen.add(here.do({ type: 'stepInstruction' }).vcpu!.vcpu);
    expect(seen.size).toBe(2);
  });

  it('CPU_OFF sleeps inside of KVM_RUN until another vCPU turns it on again', async () => {
    const guest = `_start: ldr     x8, =0x09000000
        mov     w19, #3
again:  ${CPU_ON.trim()}
        cbnz    x0, again               // ALREADY_ON while it has not turned itself off
        subs    w19, w19, #1
        b.ne    again
wait:   ldr     w0, =0xc4000004         // AFFINITY_INFO
        mov     x1, #1
        mov     x2, #0
        hvc     #0
        cbz     x0, wait
${OFF}
second: ldr     x8, =0x09000000
        strb    w0, [x8]
${CPU_OFF}`;
    const { printed } = await finished(guest);
    expect(printed).toBe('vCPU 1 says 7\n'.repeat(3) + 'vCPU 0 exit 24\nend\n');
  });

  it('where all can only wait, the sandbox stops and says why', async () => {
    const here = await fresh();
    here.load(
      `_start: ${CPU_ON.trim()}\n        b .\nsecond: b .\n`.replace('b .\nsecond: b .', 'wfi\nsecond: wfi'),
      vmm(2),
    );
    expect(here.do({ type: 'run' })).toMatchObject({ state: 'paused', reason: 'pause' });
    expect(here.status.message).toBe(
      'vCPU 0 waits for an interrupt (WFI), and nothing can bring one; ' +
        'vCPU 1 waits for an interrupt (WFI), and nothing can bring one',
    );
    expect(here.do({ type: 'run' })).toMatchObject({ state: 'paused', reason: 'pause' });
  });

  /** Sets the virtual timer to so many counts from now, waits for it, and writes the count at which it went on. */
  const wake = (counts: string): string => `        mrs     x1, cntvct_el0
        add     x1, x1, ${counts}
        msr     cntv_cval_el0, x1
        mov     x2, #1
        msr     cntv_ctl_el0, x2
        isb
        wfi
`;
  const withoutCounts = (printed: string): string => printed.replace(/^0x\w+\n/gm, '');
  const interrupted = vmm(
    2,
    `await Promise.all(vcpus.map((fd) => thread(fd).catch(async (error: IoctlError) => {
  const count = await getOneReg(fd, KVM_REG_ARM_TIMER_CNT);
  const late = count - (await getOneReg(fd, KVM_REG_ARM_TIMER_CVAL));
  print('vCPU', vcpus.indexOf(fd), error.errno, mmap(fd, size).as('kvm_run').exit_reason, late < 1000n ? 'in time' : late);
  console.log(count);
})));`,
  );

  it('virtual time goes on to a timer only where no vCPU can run', async () => {
    const busy = `second: ldr     x8, =0x09000000
        ldr     w9, =100000
1:      subs    w9, w9, #1
        b.ne    1b
        strb    wzr, [x8]
`;
    const guest = `_start:\n${CPU_ON}        ldr x3, =30000\n${wake('x3')}${busy}        ldr x3, =10000\n${wake('x3')}`;
    const { printed } = await finished(guest, interrupted);
    expect(withoutCounts(printed)).toBe('vCPU 1 says 0\nvCPU 1 EINTR 10 in time\nvCPU 0 EINTR 10 in time\nend\n');
  });

  it('where all wait for timers it goes on to the first, the same way whether they run or are stepped', async () => {
    const guest = `_start:\n${CPU_ON}        ldr x3, =3000000\n${wake('x3')}second: ldr x3, =2000000\n${wake('x3')}`;
    const whole = await finished(guest, interrupted);
    expect(withoutCounts(whole.printed)).toBe('vCPU 1 EINTR 10 in time\nvCPU 0 EINTR 10 in time\nend\n');
    for (const goal of ['stepInstruction', 'stepIoctl', 'stepExit'] as const) {
      const { printed, status } = await finished(guest, interrupted, goal);
      expect([printed, status.instructions]).toEqual([whole.printed, whole.status.instructions]);
    }
  });

  it('go the same way through timers, waits, hypercalls and stores, however steps and runs follow each other', async () => {
    const busy = (counts: number, loops: number): string => `        mov     w19, #6
1:      ldr     x3, =${counts}
${wake('x3')}        msr     cntv_ctl_el0, xzr
        ldr     w20, =${loops}
2:      subs    w20, w20, #1
        b.ne    2b
        ldr     w0, =0x80000000
        hvc     #0
        mrs     x4, cntvct_el0
        strb    w4, [x8]
        subs    w19, w19, #1
        b.ne    1b
`;
    const guest = `_start: ldr     x8, =0x09000000
${CPU_ON}${busy(500, 900)}${OFF}
second: ldr     x8, =0x09000000
${busy(333, 1300)}        wfi`;
    const script = vmm(
      2,
      `async function loop(fd: number): Promise<void> {
  const run = mmap(fd, size).as('kvm_run');
  for (;;) {
    const answer = await ioctl(fd, KVM_RUN).catch((error: IoctlError) => error.errno);
    print(vcpus.indexOf(fd), answer, run.exit_reason, run.mmio.data[0], run.s.regs.device_irq_level);
    if (run.exit_reason === KVM_EXIT_SYSTEM_EVENT) return;
  }
}
await Promise.race(vcpus.map(loop));`,
    );
    const whole = await finished(guest, script);
    expect(whole.printed.split('\n').length).toBeGreaterThan(24);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('stepInstruction', 'stepIoctl', 'stepExit'), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        async (goals, times) => {
          const here = await fresh();
          here.load(guest, script);
          for (let n = 0; here.status.state === 'paused'; n++)
            here.do({ type: goals[Math.floor(n / times) % goals.length]! });
          expect([here.printed('script'), here.status.instructions]).toEqual([
            whole.printed,
            whole.status.instructions,
          ]);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('a vCPU that another turned on before it waits itself can run, whichever began first', async () => {
    const script = vmm(2, 'const second = thread(vcpus[1]!);\nawait Promise.race([second, thread(vcpus[0]!)]);');
    const { printed } = await finished(`_start: ${CPU_ON.trim()}\n        wfi\nsecond: ${OFF.trim()}`, script);
    expect(printed).toBe('vCPU 1 exit 24\nend\n');
  });

  it('a script at its end waits for guests that go on, not for those that can’t', async () => {
    const { printed, status } = await finished(PING_PONG, vmm(2, 'for (const fd of vcpus) void thread(fd);'));
    expect(printed).toBe('end\nvCPU 0 says 40\nvCPU 0 exit 24\n');
    expect(status).toMatchObject({ state: 'finished', message: null });
  });

  it('an ioctl of a vCPU waits until that has left KVM_RUN', async () => {
    const script = vmm(
      1,
      `const over = thread(vcpus[0]!);
const x5 = await getOneReg(vcpus[0]!, 'x5');
print('x5', x5);
await over;`,
    );
    const guest = `_start: mov x5, #3\n        ldr x8, =0x09000000\n        mov x5, #4\n        strb w5, [x8]\n        mov x5, #5\n${OFF}`;
    const { printed } = await finished(guest, script);
    expect(printed).toMatch(/vCPU 0 says 4\n(.|\n)*x5 0x4\n/);
  });

  it('what another thread closes stays as long as the call is inside', async () => {
    const script = vmm(
      2,
      `const all = vcpus.map(thread);
for (const fd of [...vcpus, vm, kvm]) close(fd);
await Promise.all(all).catch((error) => print(error.errno));`,
    );
    const { printed, status } = await finished(PING_PONG, script);
    expect(printed).toMatch(/EBADF|says 40/);
    expect(status.state).toBe('finished');
  });

  it('a vCPU that has got the number of a closed one does not wait for it', async () => {
    const script = vmm(
      2,
      `const first = thread(vcpus[0]!);
const off = thread(vcpus[1]!);
await ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY);
close(vcpus[1]!);
const other = await ioctl(vm, KVM_CREATE_VCPU, 2);
print('the same number', other === vcpus[1]);
init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
await ioctl(other, KVM_ARM_VCPU_INIT, init);
print('pc', await getOneReg(other, 'pc'));
await Promise.race([first, off]);`,
    );
    const { printed } = await finished(`_start: ${OFF.trim()}`, script);
    expect(printed).toContain('the same number true\npc 0x0\n');
  });

  it('an error in one of them ends the program', async () => {
    const script = vmm(2, `await Promise.all([...vcpus.map(thread), (async () => { throw new Error('lost'); })()]);`);
    const here = await fresh();
    here.load(PING_PONG, script);
    expect(here.do({ type: 'run' })).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('lost') as string,
    });
  });
});

async function finished(
  guest: string,
  script = vmm(2),
  goal: 'run' | 'stepInstruction' | 'stepIoctl' | 'stepExit' = 'run',
) {
  const here = await fresh();
  here.load(guest, script);
  do here.do({ type: goal });
  while (here.status.state === 'paused' && here.status.reason !== 'pause');
  return { printed: here.printed('script'), status: here.status };
}
