import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Command, Event, IoctlEntry, Query, Sandbox, Status, View } from './messages.ts';
import { Session } from './session.ts';

const HOST: Sandbox['host'] = {
  cpu: 'max',
  pageSize: 4096,
  mode: 'vhe',
  ram: [{ base: 0x4000_0000n, size: 0x0400_0000n }],
};

/** One VM with 64 KiB at 0x40000000 and one vCPU that runs until something other than a store to the UART comes up. */
const VMM = `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(0x1_0000, { shared: true });
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
const run = mmap(vcpu, await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE)).as('kvm_run');
for (;;) {
  await ioctl(vcpu, KVM_RUN);
  if (run.exit_reason !== KVM_EXIT_MMIO) break;
  if (run.mmio.is_write) uart.write(run.mmio.data[0]);
  else run.mmio.data[0] = uart.read() ?? 0xff;
}
print('exit', run.exit_reason);
`;
const KVM_RUN_LINE = 14;
const FIRST_IOCTL_LINE = 2;

const OFF = `        ldr     w0, =0x84000008
        hvc     #0
`;

class Page {
  readonly events: Event[] = [];
  #session: Session | null = null;

  static async open(): Promise<Page> {
    const page = new Page();
    page.#session = await Session.create((event) => page.events.push(structuredClone(event)));
    return page;
  }
  get session(): Session {
    return this.#session!;
  }
  send(command: Command): this {
    this.session.handle(command);
    return this;
  }
  load(guest: string, script = VMM, more: Partial<Extract<Command, { type: 'load' }>> = {}): Status {
    this.send({ type: 'load', sandbox: { host: HOST, script, guest }, breakpoints: [], ...more });
    return this.status;
  }
  /** Until the sandbox stands still; fails after some seconds. */
  settle(): Status {
    const end = performance.now() + 10_000;
    while (this.session.slice()) if (performance.now() > end) throw new Error('the sandbox does not stop');
    return this.status;
  }
  do(command: Command): Status {
    this.send(command);
    return this.settle();
  }
  get status(): Status {
    const last = this.events.findLast((event) => event.type === 'status');
    if (!last) throw new Error('no status');
    return last.status;
  }
  get refusals(): string[] {
    return this.events.flatMap((event) => (event.type === 'refused' ? [`${event.command}: ${event.message}`] : []));
  }
  get ioctls(): IoctlEntry[] {
    const entries = new Map<number, IoctlEntry>();
    for (const event of this.events) {
      if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
    }
    return [...entries.values()].sort((a, b) => a.seq - b.seq);
  }
  printed(stream: 'console' | 'script'): string {
    return this.events
      .flatMap((event) => (event.type === 'output' && event.stream === stream ? [event.text] : []))
      .join('');
  }
  view<V extends Query['view']>(query: Extract<Query, { view: V }>): Extract<View, { view: V }> {
    const view = this.session.query(query);
    if (view.view !== query.view) throw new Error(view.view === 'nothing' ? view.why : view.view);
    return view as Extract<View, { view: V }>;
  }
  x(name: string): bigint {
    const vcpu = this.status.vcpu?.vcpu ?? -1;
    const groups = this.view({ view: 'registers', vcpu }).groups;
    const found = groups.flatMap((group) => group.registers).find((register) => register.name === name);
    if (!found) throw new Error(`no register ${name}`);
    return found.value;
  }
}

let page: Page;
beforeAll(async () => {
  page = await Page.open();
});
const fresh = async (): Promise<Page> => (page = await Page.open());

describe('a session', () => {
  it('says what it is before anything else, and that nothing is loaded', async () => {
    await fresh();
    expect(page.events.map((event) => event.type)).toEqual(['ready', 'status']);
    expect(page.status).toMatchObject({ state: 'empty', generation: 0, vcpu: null, vms: [] });
  });

  it('stops a load before the first ioctl, with the boot log and no faults', async () => {
    await fresh();
    const status = page.load(OFF);
    expect(status).toMatchObject({
      state: 'paused',
      reason: 'loaded',
      scriptLine: FIRST_IOCTL_LINE,
      ioctls: 0,
      generation: 1,
    });
    expect(page.events.find((event) => event.type === 'bootlog')?.lines.length).toBeGreaterThan(3);
    expect(page.events.findLast((event) => event.type === 'diagnostics')?.diagnostics).toEqual([]);
  });

  it('runs a guest to its end, with every ioctl in the log', async () => {
    await fresh();
    page.load(`        mov     x1, #0x09000000\n        mov     w2, #'A'\n        strb    w2, [x1]\n${OFF}`);
    const status = page.do({ type: 'run' });
    expect(status).toMatchObject({ state: 'finished', reason: 'finished', message: null });
    expect(page.printed('console')).toBe('A');
    expect(page.printed('script')).toBe('exit 24\n');
    const runs = page.ioctls.filter((entry) => entry.name === 'KVM_RUN');
    expect(runs.map((entry) => entry.result?.exitText)).toEqual([
      'KVM_EXIT_MMIO write 1 byte at 0x9000000: 0x41',
      'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN',
    ]);
    expect(runs[0]?.scriptLine).toBe(KVM_RUN_LINE);
    const region = page.ioctls.find((entry) => entry.name === 'KVM_SET_USER_MEMORY_REGION');
    expect(region?.argStruct?.fields.find((field) => field.name === 'guest_phys_addr')?.text).toContain('0x40000000');
    const pc = page.ioctls.find((entry) => entry.name === 'KVM_SET_ONE_REG');
    expect(pc?.argStruct?.fields.find((field) => field.name === 'addr')?.text).toMatch(/^0x[0-9a-f]+ → 0x40000000$/);
  });

  it('explains a refusal in the log', async () => {
    await fresh();
    page.load('', "await ioctl(open('/dev/kvm'), KVM_CREATE_VM, 53)");
    const status = page.do({ type: 'run' });
    expect(status).toMatchObject({ state: 'failed', reason: 'failed', scriptLine: 1 });
    expect(status.message).toContain('EINVAL');
    expect(page.ioctls[0]?.result).toMatchObject({
      ret: -1,
      errno: 'EINVAL',
      explanation: { rule: 'vm.ipa-above-limit', kernel: 'kvm_init_ipa_range' },
    });
  });
});

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

describe('a run', () => {
  it('is the same however it is cut into slices', async () => {
    const guest = `_start: adr     x2, vectors
        msr     vbar_el1, x2
        mov     x1, #0x09000000
        ldr     x5, =0x40009000
loop:   add     x3, x3, #1
        svc     #0
        str     x3, [x5], #8
        ands    x4, x3, #31
        b.ne    loop
        strb    w3, [x1]
        mrs     x6, cntvct_el0
        cmp     x3, #512
        b.ne    loop
${OFF}        .balign 2048
vectors: .zero  0x200
        add     x7, x7, #1
        eret
`;
    const clocks: (() => number)[] = [() => 0];
    let time = 0;
    // Every look at the clock takes longer than a slice, or now and then.
    clocks.push(() => (time += 100));
    clocks.push(() => (time += (time * 7919) % 13));
    const ends: unknown[] = [];
    for (const clock of clocks) {
      await fresh();
      const events: Event[] = [];
      const session = await Session.create((event) => events.push(event), { clock });
      session.handle({ type: 'load', sandbox: { host: HOST, script: VMM, guest }, breakpoints: [] });
      session.handle({ type: 'run' });
      for (let n = 0; session.slice(); n++) if (n > 1e6) throw new Error('no end');
      const entries = new Map<number, IoctlEntry>();
      for (const event of events)
        if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
      const vcpu = session.status.vcpu?.vcpu ?? -1;
      const registers = session.query({ view: 'registers', vcpu });
      ends.push({ status: session.status, entries: [...entries.values()].sort((a, b) => a.seq - b.seq), registers });
    }
    expect((ends[0] as { status: Status }).status).toMatchObject({ state: 'finished' });
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[2]).toEqual(ends[0]);
  });

  it('that waits for ever is paused, with the reason', async () => {
    await fresh();
    page.load('        wfi\n        b       .\n');
    expect(page.do({ type: 'run' })).toMatchObject({
      state: 'paused',
      message: expect.stringContaining('nothing can bring'),
    });
  });

  it('gets what is typed', async () => {
    await fresh();
    page.load(`        mov     x1, #0x09000000\n        ldrb    w0, [x1]\n        ldrb    w2, [x1]\n${OFF}`);
    page.send({ type: 'consoleInput', text: 'é' });
    page.do({ type: 'stepInstruction' });
    for (let n = 0; n < 3; n++) page.do({ type: 'stepInstruction' });
    expect([page.x('x0'), page.x('x2')]).toEqual([0xc3n, 0xa9n]);
  });

  it('that is stopped says so, and leaves its host to be looked at', async () => {
    await fresh();
    page.load('        b       .\n');
    page.send({ type: 'run' });
    while (page.session.status.instructions === 0n) page.session.slice();
    expect(page.do({ type: 'stop' })).toMatchObject({ state: 'failed', reason: 'stopped' });
    expect(page.view({ view: 'memoryMap', vm: page.status.vms[0]!.fd }).regions).toHaveLength(1);
    expect(page.do({ type: 'run' }).state).toBe('failed');
  });
});

describe('what can not be', () => {
  it.each<[string, unknown, string]>([
    ['no object', 7, 'unknown: command: an object is wanted'],
    ['an unknown command', { type: 'explode' }, 'unknown: command: one of'],
    ['a load without a sandbox', { type: 'load' }, 'load: sandbox: an object is wanted'],
    ['a run with nothing loaded', { type: 'run' }, 'run: nothing is loaded'],
    ['a pause of nothing', { type: 'pause' }, 'pause: nothing runs'],
    [
      'an absurd length',
      { type: 'watch', id: 'a', query: { view: 'memory', space: 'pa', address: 0n, length: 2 ** 40 } },
      'watch: length',
    ],
    [
      'an address that is none',
      { type: 'watch', id: 'a', query: { view: 'walk', vcpu: 1, va: -1n, access: 'read' } },
      'watch: va',
    ],
    ['an unknown view', { type: 'watch', id: 'a', query: { view: 'soul' } }, 'watch: query.view'],
    ['a poke of text', { type: 'poke', space: 'pa', address: 0n, data: 'x' }, 'poke: data'],
    ['a name from the prototype', { type: 'toString' }, 'unknown: command'],
  ])('is refused: %s', async (_, message, refusal) => {
    await fresh();
    page.session.handle(message);
    expect(page.refusals).toEqual([expect.stringContaining(refusal)]);
    expect(page.status.state).toBe('empty');
  });

  it('a host that can not be is said as such, and the next load is none the worse', async () => {
    await fresh();
    page.send({
      type: 'load',
      sandbox: { host: { ...HOST, cpu: 'cortex-a57', pageSize: 16384 }, script: '', guest: '' },
      breakpoints: [],
    });
    expect(page.status).toMatchObject({ state: 'failed' });
    expect(page.events.findLast((event) => event.type === 'diagnostics')?.diagnostics[0]).toMatchObject({
      source: 'host',
      severity: 'error',
    });
    expect(page.load(OFF)).toMatchObject({ state: 'paused', reason: 'loaded', generation: 2 });
  });

  it.each([
    [[{ base: 0n, size: 0n }]],
    [[{ base: 0x4000_0000n, size: 1n << 60n }]],
    [[{ base: (1n << 64n) - 1n, size: 0x1_0000n }]],
    [[]],
    [
      [
        { base: 0x4000_0000n, size: 0x100_0000n },
        { base: 0x4000_0000n, size: 0x100_0000n },
      ],
    ],
    [[{ base: 0x4000_0000n, size: 0x1_0000n }]],
  ])('RAM that can not be is refused: %o', async (ram) => {
    await fresh();
    page.send({ type: 'load', sandbox: { host: { ...HOST, ram }, script: '1', guest: '' }, breakpoints: [] });
    expect(page.status.state).toBe('failed');
    expect(page.status.message).not.toContain('internal');
  });

  it('faults of script and guest are marked at their lines, and nothing runs', async () => {
    await fresh();
    page.send({ type: 'check', script: 'let a = 1;\nlet b = ;', guest: '        nop\n        mvo     x0, x1\n' });
    const marks = page.events.findLast((event) => event.type === 'diagnostics')?.diagnostics;
    expect(marks?.map(({ source, line }) => [source, line])).toEqual([
      ['script', 2],
      ['guest', 2],
    ]);
    expect(page.load('        mvo     x0, x1\n')).toMatchObject({ state: 'failed', ioctls: 0 });
    expect(page.status.message).toContain('guest, line 1');
    expect(page.do({ type: 'run' }).state).toBe('failed');
    expect(page.refusals.at(-1)).toContain('load it anew');
  });

  it('an ioctl that is none, on a descriptor that is none, is an entry like the others', async () => {
    await fresh();
    page.load('', 'try { await ioctl(99, 0x1234_5678, 1n) } catch (e) { print(e.message) }');
    page.do({ type: 'run' });
    expect(page.ioctls[0]).toMatchObject({ fd: 99, fdKind: 'unknown', name: null, result: { errno: 'EBADF' } });
  });

  it('any sequence of commands leaves a session that loads and runs', async () => {
    const address = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    const fd = fc.integer({ min: 0, max: 8 });
    const query = fc.oneof(
      fc.record({ view: fc.constant('registers'), vcpu: fd }),
      fc.record({
        view: fc.constant('disassembly'),
        vcpu: fd,
        address: fc.oneof(fc.constant('pc'), address),
        count: fc.nat(2000),
      }),
      fc.record({
        view: fc.constant('memory'),
        space: fc.constantFrom('va', 'ipa', 'pa', 'hva', 'x'),
        vm: fd,
        vcpu: fd,
        address,
        length: fc.nat(70000),
      }),
      fc.record({
        view: fc.constant('tables'),
        stage: fc.constantFrom(1, 2, 3),
        vm: fd,
        vcpu: fd,
        expanded: fc.array(address, { maxLength: 3 }),
      }),
      fc.record({
        view: fc.constant('walk'),
        vcpu: fd,
        va: address,
        access: fc.constantFrom('read', 'write', 'execute'),
      }),
      fc.record({ view: fc.constant('memoryMap'), vm: fd }),
    );
    const command = fc.oneof(
      fc
        .constantFrom('run', 'pause', 'stop', 'stepInstruction', 'stepExit', 'stepIoctl', 'nonsense')
        .map((type) => ({ type })),
      fc.record({ type: fc.constant('watch'), id: fc.constantFrom('a', 'b', 'c'), query }),
      fc.record({
        type: fc.constant('poke'),
        space: fc.constantFrom('va', 'ipa', 'pa', 'hva'),
        address,
        data: fc.uint8Array({ maxLength: 16 }),
      }),
      fc.record({ type: fc.constant('consoleInput'), text: fc.string() }),
      fc.record({
        type: fc.constant('setBreakpoints'),
        breakpoints: fc.array(fc.record({ kind: fc.constant('address'), address }), { maxLength: 3 }),
      }),
      fc.anything(),
    );
    await fresh();
    const guest = `loop:   add     x0, x0, #1\n        b       loop\n`;
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), fc.boolean(), (commands, loaded) => {
        if (loaded) page.load(guest);
        for (const each of commands) {
          page.session.handle(each);
          page.session.slice();
        }
        const internal = page.events.filter(
          (event) => event.type === 'status' && event.status.message?.includes('internal'),
        );
        expect(internal).toEqual([]);
        const views = page.events.filter(
          (event) => event.type === 'view' && event.view.view === 'nothing' && event.view.why.includes('internal'),
        );
        expect(views).toEqual([]);
        page.events.splice(0, page.events.length - 1);
      }),
      { numRuns: 60 },
    );
    page.load(OFF);
    expect(page.do({ type: 'run' }).state).toBe('finished');
  });
});

describe('views', () => {
  it('memory of all spaces shows the same bytes of the guest', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vcpu } = page.status;
    const slots = page.view({ view: 'memoryMap', vm: vcpu!.vm }).regions;
    expect(slots).toMatchObject([{ name: 'slot 0', base: 0x4000_0000n, size: 0x1_0000n }]);
    const walk = () => page.view({ view: 'walk', vcpu: vcpu!.vcpu, va: 0x4000_0000n, access: 'execute' });
    expect(walk().result).toMatchObject({ ok: false, stage: 2, message: expect.stringContaining('slot 0') });
    page.do({ type: 'stepInstruction' });
    const { result } = walk();
    if (!result.ok) throw new Error(result.message);
    const NOP = [0x1f, 0x20, 0x03, 0xd5];
    for (const [space, address] of [
      ['va', 0x4000_0000n],
      ['ipa', 0x4000_0000n],
      ['pa', result.pa],
      ['hva', slots[0]!.userspaceAddress!],
    ] as const) {
      const view = page.view({ view: 'memory', space, vm: vcpu!.vm, vcpu: vcpu!.vcpu, address, length: 4 });
      expect(view.runs, space).toEqual([{ offset: 0, data: Uint8Array.from(NOP) }]);
    }
    expect(page.view({ view: 'memoryMap', vm: vcpu!.vm }).regions[0]?.mapped).toBe(0x1000n);
  });

  it('looking changes nothing', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vm, vcpu } = page.status.vcpu!;
    const map = () => page.view({ view: 'memoryMap', vm });
    const before = map();
    page.view({ view: 'memory', space: 'va', vcpu, address: 0x4000_0000n, length: 65536 });
    page.view({ view: 'disassembly', vcpu, address: 0x4000_4000n, count: 100 });
    page.view({ view: 'walk', vcpu, va: 0x4000_0000n, access: 'write' });
    expect(map()).toEqual(before);
  });

  it('the stage 2 entry that an instruction brings about is marked as changed, with the tables above it', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vm } = page.status.vcpu!;
    const tables = (expanded: bigint[]) => page.view({ view: 'tables', stage: 2, vm, expanded });
    expect(tables([]).title).toBe('IPA 40 bits, 4K granule, start level 1, 2 concatenated tables');
    expect(tables([]).roots[0]).toMatchObject({ valid: 0, total: 1024 });
    page.do({ type: 'stepInstruction' });
    const expanded: bigint[] = [];
    let node = tables([]).roots[0]!;
    for (const level of [1, 2, 3]) {
      expanded.push(node.address);
      let found = tables(expanded).roots[0]!;
      for (let depth = 1; depth < level; depth++) found = found.entries!.find((entry) => entry.child)!.child!;
      const changed = found.entries!.filter((entry) => entry.changed);
      expect(changed).toHaveLength(1);
      expect(changed[0]!.kind).toBe(level === 3 ? 'page' : 'table');
      if (changed[0]!.child) node = changed[0]!.child;
    }
    page.do({ type: 'stepInstruction' });
    expect(tables(expanded).roots[0]!.entries!.some((entry) => entry.changed)).toBe(false);
  });

  it('a poke is seen by the guest, code included', async () => {
    await fresh();
    page.load(`        mov     x0, #1\n        mov     x1, #2\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    page.do({ type: 'stepInstruction' });
    // mov x1, #7
    page.send({ type: 'poke', space: 'va', address: 0x4000_0004n, data: Uint8Array.of(0xe1, 0x00, 0x80, 0xd2) });
    page.do({ type: 'stepInstruction' });
    expect(page.x('x1')).toBe(7n);
    page.send({ type: 'poke', space: 'pa', address: 0n, data: Uint8Array.of(1) });
    expect(page.refusals).toHaveLength(1);
  });

  it('a watch is answered at once, at each stop, and no more once taken away', async () => {
    await fresh();
    const count = () => page.events.filter((event) => event.type === 'view').length;
    page.send({ type: 'watch', id: 'map', query: { view: 'memoryMap', vm: 4 } });
    expect(count()).toBe(1);
    page.load(OFF);
    expect(count()).toBe(2);
    page.do({ type: 'stepIoctl' });
    expect(count()).toBe(3);
    page.send({ type: 'unwatch', id: 'map' });
    page.do({ type: 'stepIoctl' });
    expect(count()).toBe(3);
  });
});
