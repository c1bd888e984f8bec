import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event, IoctlEntry, Status } from './messages.ts';
import { FIRST_IOCTL_LINE, HOST, KVM_RUN_LINE, OFF, Page, VMM } from './page.testing.ts';
import { Session } from './session.ts';

let page: Page;
const fresh = async (): Promise<Page> => (page = await Page.open(structuredClone));

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
        from: fc.nat(2000),
        count: fc.integer({ min: -1, max: 600 }),
        openAll: fc.option(fc.boolean(), { nil: undefined }),
        opened: fc.array(address, { maxLength: 3 }),
        ref: fc.option(
          fc.oneof(
            fc.record({ id: fc.stringMatching(/^[0-2/+x]{0,9}$/) }),
            fc.record({ index: fc.nat(2000) }),
            fc.record({ input: address }),
          ),
          { nil: undefined },
        ),
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
