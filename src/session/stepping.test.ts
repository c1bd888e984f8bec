import { describe, expect, it } from 'vitest';
import { KVM_RUN_LINE, OFF, Page, VMM } from './page.testing.ts';

let page: Page;
const fresh = async (): Promise<Page> => (page = await Page.open(structuredClone));

describe('stepping', () => {
  const COUNT = Array.from({ length: 40 }, (_, n) => `        add     x${n % 8}, x${n % 8}, #1\n`).join('');

  it('n steps are n instructions', async () => {
    await fresh();
    page.load(COUNT + OFF);
    // The first brings the vCPU to its first instruction.
    expect(page.do({ type: 'stepInstruction' })).toMatchObject({
      state: 'paused',
      reason: 'step',
      pc: 0x4000_0000n,
      guestLine: 1,
    });
    const start = page.status.instructions;
    for (let n = 1; n <= 40; n++) {
      const status = page.do({ type: 'stepInstruction' });
      expect(status.instructions - start).toBe(BigInt(n));
      expect(status.pc).toBe(0x4000_0000n + BigInt(4 * n));
      expect(status.guestLine).toBe(n + 1);
      expect(page.x(`x${(n - 1) % 8}`)).toBe(BigInt(Math.floor((n - 1) / 8) + 1));
    }
  });

  it('over a store to MMIO ends at the next instruction, with the script in between', async () => {
    await fresh();
    page.load(
      `        mov     x1, #0x09000000\n        mov     w2, #'B'\n        strb    w2, [x1]\n        nop\n${OFF}`,
    );
    for (let n = 0; n < 3; n++) page.do({ type: 'stepInstruction' });
    expect(page.status.pc).toBe(0x4000_0008n);
    expect(page.printed('console')).toBe('');
    expect(page.do({ type: 'stepInstruction' })).toMatchObject({ pc: 0x4000_000cn, reason: 'step' });
    expect(page.printed('console')).toBe('B');
  });

  it.each([
    ['a register whose reads KVM traps', '        mrs     x0, id_aa64pfr0_el1\n'],
    ['a hypercall that KVM answers', '        hvc     #0\n'],
    ['the first touch of a page', '        str     x0, [x1]\n'],
    ['an exception to the guest', '        svc     #0\n'],
  ])('over %s is one step', async (_, instruction) => {
    await fresh();
    const guest = `_start: adr     x2, vectors
        msr     vbar_el1, x2
        ldr     x1, =0x40008000
        mov     w0, #0x84000000
${instruction}next:   nop
        nop
        .balign 2048
vectors: .zero  0x200
        nop
        eret
`;
    page.load(guest, VMM, { breakpoints: [{ kind: 'line', line: 5 }] });
    const at = page.do({ type: 'run' });
    expect(at).toMatchObject({ reason: 'breakpoint', guestLine: 5 });
    const status = page.do({ type: 'stepInstruction' });
    expect(status.instructions - at.instructions).toBe(1n);
    expect(status.pc).toBe(instruction.includes('svc') ? 0x4000_0a00n : 0x4000_0014n);
  });

  it('to the exit stops when KVM_RUN has returned and the script does not know yet', async () => {
    await fresh();
    page.load(`        mov     x1, #0x09000000\n        strb    w1, [x1]\n        strb    w1, [x1]\n${OFF}`);
    expect(page.do({ type: 'stepExit' })).toMatchObject({
      state: 'paused',
      reason: 'kvm-exit',
      scriptLine: KVM_RUN_LINE,
    });
    expect(page.ioctls.filter((entry) => entry.result?.exitText)).toHaveLength(1);
    expect(page.printed('console')).toBe('');
    page.do({ type: 'stepExit' });
    expect(page.ioctls.filter((entry) => entry.result?.exitText)).toHaveLength(2);
    expect(page.printed('console')).toBe('\0');
  });

  it('to the ioctl makes exactly one', async () => {
    await fresh();
    page.load(OFF);
    for (let n = 1; n <= 7; n++) {
      const status = page.do({ type: 'stepIoctl' });
      expect(status).toMatchObject({ state: 'paused', reason: 'ioctl', ioctls: n });
      expect(page.ioctls).toHaveLength(n);
    }
  });
});

describe('breakpoints', () => {
  const LOOP = `_start: mov     x0, #0
loop:   add     x0, x0, #1
        cmp     x0, #5
        b.ne    loop
${OFF}`;

  it('stop before their instruction each time it comes', async () => {
    await fresh();
    page.load(LOOP, VMM, { breakpoints: [{ kind: 'line', line: 2 }] });
    for (let n = 0; n < 5; n++) {
      expect(page.do({ type: 'run' })).toMatchObject({
        state: 'paused',
        reason: 'breakpoint',
        guestLine: 2,
        pc: 0x4000_0004n,
      });
      expect(page.x('x0')).toBe(BigInt(n));
    }
    expect(page.do({ type: 'run' })).toMatchObject({ state: 'finished' });
  });

  it('by address, set and taken away while stopped', async () => {
    await fresh();
    page.load(LOOP);
    page.send({ type: 'setBreakpoints', breakpoints: [{ kind: 'address', address: 0x4000_000cn }] });
    expect(page.do({ type: 'run' })).toMatchObject({ reason: 'breakpoint', pc: 0x4000_000cn });
    const vcpu = page.status.vcpu?.vcpu ?? -1;
    const code = page.view({ view: 'disassembly', vcpu, address: 'pc', count: 16 });
    expect(code.lines.find((line) => line.breakpoint)).toMatchObject({ address: 0x4000_000cn, guestLine: 4 });
    page.send({ type: 'setBreakpoints', breakpoints: [] });
    expect(page.do({ type: 'run' })).toMatchObject({ state: 'finished' });
  });

  it('on the instruction at which the vCPU stands after a step do not hold it there', async () => {
    await fresh();
    page.load(LOOP);
    page.do({ type: 'stepInstruction' });
    page.do({ type: 'stepInstruction' });
    page.send({ type: 'setBreakpoints', breakpoints: [{ kind: 'line', line: 2 }] });
    expect(page.do({ type: 'stepInstruction' })).toMatchObject({ reason: 'step', pc: 0x4000_0008n });
    expect(page.do({ type: 'run' })).toMatchObject({ reason: 'breakpoint', pc: 0x4000_0004n });
    expect(page.x('x0')).toBe(1n);
  });
});

describe('pausing', () => {
  /**
   * The longest that the session kept its thread over a number of slices, in milliseconds of the processor: on a busy machine
   * the clock on the wall also counts what others do.
   */
  function longestSlice(slices: number): number {
    let longest = 0;
    for (let n = 0; n < slices; n++) {
      const [began, clock] = [process.cpuUsage(), performance.now()];
      const more = page.session.slice();
      const { user, system } = process.cpuUsage(began);
      longest = Math.max(longest, Math.min((user + system) / 1000, performance.now() - clock));
      if (!more) break;
    }
    return longest;
  }

  const VECTORS = `_start: adr     x0, vectors
        msr     vbar_el1, x0
        isb
again:  svc     #0
        b       again
        .balign 2048
vectors: .zero  0x200
        eret
`;

  it.each([
    ['a loop of its own', '        b       .\n'],
    [
      'a loop of stores',
      `        ldr     x1, =0x40008000\nloop:   str     x0, [x1]\n        add     x0, x0, #1\n        b       loop\n`,
    ],
    ['an exception at every other instruction', VECTORS],
    [
      'an exit at every other instruction',
      `        mov     x1, #0x09000000\nloop:   ldrb    w0, [x1]\n        b       loop\n`,
    ],
    ['a jump to nowhere', '        mov     x0, #0x1000\n        br      x0\n'],
    [
      'a hypercall at every other instruction',
      'loop:   mov     w0, #0x84000000\n        hvc     #0\n        b       loop\n',
    ],
    ['tables flushed at every other instruction', 'loop:   tlbi    vmalle1\n        b       loop\n'],
  ])('comes within 50 ms: a guest with %s', async (_, guest) => {
    await fresh();
    page.load(guest);
    page.send({ type: 'run' });
    longestSlice(30);
    expect(longestSlice(30)).toBeLessThan(50);
    if (page.status.state === 'running') {
      expect(page.do({ type: 'pause' })).toMatchObject({ state: 'paused', reason: 'pause' });
      expect(page.session.slice()).toBe(false);
      // And on from there.
      page.send({ type: 'run' });
      expect(page.session.slice()).toBe(true);
    }
  });

  it.each([
    ['nothing but a loop', 'for (;;);'],
    ['ioctls', "const kvm = open('/dev/kvm'); for (;;) await ioctl(kvm, KVM_GET_API_VERSION)"],
    [
      'prints',
      "const kvm = open('/dev/kvm'); for (;;) { print('x'.repeat(1000)); await ioctl(kvm, KVM_GET_API_VERSION) }",
    ],
  ])('comes within 50 ms: a script with %s', async (_, script) => {
    await fresh();
    // QuickJS is compiled when it runs first.
    page.load('', script);
    page.send({ type: 'run' });
    longestSlice(20);
    page.load('', `const one = open('/dev/kvm'); await ioctl(one, KVM_GET_API_VERSION);\n${script}`);
    page.send({ type: 'run' });
    expect(longestSlice(20)).toBeLessThan(50);
  });

  it('keeps what a script prints for ever within bounds', async () => {
    await fresh();
    page.load(
      '',
      "const kvm = open('/dev/kvm'); for (;;) { print('x'.repeat(2000)); await ioctl(kvm, KVM_GET_API_VERSION) }",
    );
    const before = page.events.length;
    page.send({ type: 'run' });
    const began = performance.now();
    while (performance.now() - began < 1000) page.session.slice();
    page.do({ type: 'pause' });
    const sent = page.events.slice(before);
    expect(sent.length).toBeLessThan(100);
    for (const event of sent) {
      if (event.type === 'output') expect(event.text.length).toBeLessThan(70_000);
      if (event.type === 'ioctls') expect(event.entries.length).toBeLessThanOrEqual(500);
    }
  });
});
