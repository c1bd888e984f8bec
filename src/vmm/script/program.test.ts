import { beforeAll, describe, expect, it } from 'vitest';
import type { Call } from '../program.ts';
import { ScriptEngine } from './engine.ts';
import { ScriptProgram } from './program.ts';
import type { Failed, ScriptWorld } from './program.ts';

let engine: ScriptEngine;
beforeAll(async () => {
  engine = await ScriptEngine.load();
});

/** A process of one flat memory that begins at 0x10000. */
class World implements ScriptWorld {
  readonly pageSize = 4096;
  guest = {
    bytes: new Uint8Array([1, 2, 3]),
    origin: 0x4000_0000n,
    entry: 0x4000_0004n,
    symbols: new Map([['_start', 4n]]),
  };
  memory = new Uint8Array(1 << 20);
  top = 0x10000;
  printed = '';
  sent: number[] = [];
  typed: number[] = [];
  open(path: string): number | Failed {
    return path === '/dev/kvm' ? 3 : { errno: 'ENOENT', rule: 'r', message: `no file ${path}`, kernel: 'k' };
  }
  close(): number {
    return 0;
  }
  alloc(length: number): number {
    const at = this.top;
    this.top += Math.ceil(length / 4096) * 4096;
    return at;
  }
  /** The other system calls as they came in. */
  asked: unknown[][] = [];
  mmap(address: number, length: number, prot: number, flags: number, fd: number, offset: number): number {
    this.asked.push(['mmap', address, length, prot, flags, fd, offset]);
    return this.alloc(length);
  }
  munmap(address: number, length: number): number {
    this.asked.push(['munmap', address, length]);
    return 0;
  }
  mprotect(address: number, length: number, prot: number): number {
    this.asked.push(['mprotect', address, length, prot]);
    return 0;
  }
  madvise(_address: number, _length: number, advice: number): number | Failed {
    return { errno: 'EINVAL', rule: 'madvise.advice', message: `advice ${advice}`, kernel: 'k' };
  }
  eventfd(count: number, flags: number): number {
    this.asked.push(['eventfd', count, flags]);
    return 7;
  }
  readFile(fd: number, length: number, offset: number | null): Uint8Array | Failed {
    this.asked.push(['read', fd, length, offset]);
    return fd === 7
      ? Uint8Array.of(1, 2, 3).subarray(0, length)
      : { errno: 'EBADF', rule: 'fd.bad', message: 'm', kernel: 'k' };
  }
  writeFile(fd: number, bytes: Uint8Array, offset: number | null): number {
    this.asked.push(['write', fd, [...bytes], offset]);
    return bytes.length;
  }
  kill(call: Call, signal: number): number | Failed {
    this.asked.push(['kill', call.fd, signal]);
    return signal <= 64 ? 0 : { errno: 'EINVAL', rule: 'kill.signal', message: 'm', kernel: 'k' };
  }
  read(address: number, length: number): Uint8Array | null {
    const at = address - 0x10000;
    return at >= 0 && at + length <= this.memory.length ? this.memory.slice(at, at + length) : null;
  }
  write(address: number, bytes: Uint8Array): boolean {
    const at = address - 0x10000;
    if (at < 0 || at + bytes.length > this.memory.length) return false;
    this.memory.set(bytes, at);
    return true;
  }
  print(text: string): void {
    this.printed += text;
  }
  uartWrite(bytes: Uint8Array): void {
    this.sent.push(...bytes);
  }
  uartRead(): number {
    return this.typed.shift() ?? -1;
  }
}

interface Ran {
  readonly world: World;
  readonly calls: { fd: number; request: number; arg: bigint; line: number | null }[];
  readonly end: { kind: string; message?: string; line?: number | null };
}

function run(source: string, answers: (number | Failed)[] = [], world = new World()): Ran {
  const program = new ScriptProgram(engine, source, world);
  const calls: Ran['calls'] = [];
  for (;;) {
    const step = program.next();
    if (step.kind !== 'ioctl') return { world, calls, end: step };
    const { fd, request, arg, line } = step;
    calls.push({ fd, request, arg, line });
    const answer = answers.shift() ?? 0;
    program.resume(step, typeof answer === 'number' ? { ret: answer } : { ...answer, errno: 'EINVAL' });
  }
}

describe('a script', () => {
  it('is held at each ioctl with its line, and goes on with the answer', () => {
    const { calls, end, world } = run(
      "const kvm = open('/dev/kvm');\nconst vm: number = await ioctl(kvm, KVM_CREATE_VM, 40);\n\nprint(vm, await ioctl(vm, KVM_CREATE_VCPU, 0));",
      [7, 9],
    );
    expect(calls).toEqual([
      { fd: 3, request: 0xae01, arg: 40n, line: 2 },
      { fd: 7, request: 0xae41, arg: 0n, line: 4 },
    ]);
    expect(world.printed).toBe('7 9\n');
    expect(end).toEqual({ kind: 'done' });
  });

  it('runs nothing before the first next, and waits once its call is named', () => {
    const world = new World();
    const program = new ScriptProgram(engine, "print('x'); await ioctl(3, KVM_RUN); print('y')", world);
    expect(world.printed).toBe('');
    expect(program.next()).toMatchObject({ kind: 'ioctl', fd: 3 });
    expect(program.next()).toEqual({ kind: 'waiting', over: false });
    expect(world.printed).toBe('x\n');
    program.close();
    expect(program.next()).toEqual({ kind: 'done' });
    expect(world.printed).toBe('x\n');
  });

  it('gets a refusal as an IoctlError with errno and explanation, which it may catch', () => {
    const refusal = { errno: 'EINVAL', rule: 'vm.ipa', message: 'the IPA size 53 is above 48', kernel: 'kvm_init' };
    const { world, end } = run(
      'try { await ioctl(3, KVM_CREATE_VM, 53) } catch (e) { print(e instanceof IoctlError, e.errno, e.message, e.rule) }\nawait ioctl(3, KVM_CREATE_VM, 53)',
      [refusal, refusal],
    );
    expect(world.printed).toBe('true EINVAL KVM_CREATE_VM: EINVAL: the IPA size 53 is above 48 vm.ipa\n');
    expect(end).toEqual({ kind: 'failed', message: 'KVM_CREATE_VM: EINVAL: the IPA size 53 is above 48', line: 2 });
  });

  it('writes structures into the memory of its process in the layout of C', () => {
    const { world, calls } = run(
      `const region = struct('kvm_userspace_memory_region', { slot: 1, flags: KVM_MEM_READONLY, guest_phys_addr: 0x4000_0000 });
       region.memory_size = 0x20_0000n; region.userspace_addr = 0xffff_0000_0000n;
       await ioctl(4, KVM_SET_USER_MEMORY_REGION, region);
       await ioctl(4, KVM_SET_USER_MEMORY_REGION, { slot: 2 });
       print(region.slot, region.memory_size, sizeOf('kvm_userspace_memory_region'));`,
    );
    const view = new DataView(world.memory.buffer);
    const at = Number(calls[0]!.arg) - 0x10000;
    expect(view.getUint32(at, true)).toBe(1);
    expect(view.getUint32(at + 4, true)).toBe(2);
    expect(view.getBigUint64(at + 8, true)).toBe(0x4000_0000n);
    expect(view.getBigUint64(at + 16, true)).toBe(0x20_0000n);
    expect(view.getBigUint64(at + 24, true)).toBe(0xffff_0000_0000n);
    expect(view.getUint32(Number(calls[1]!.arg) - 0x10000, true)).toBe(2);
    expect(world.printed).toBe('1 0x200000 32\n');
  });

  it("reads kvm_run's union in place", () => {
    const world = new World();
    const { printed } = run(
      `const run = mmap(5, 4096).as('kvm_run');
       await ioctl(5, KVM_RUN);
       if (run.exit_reason === KVM_EXIT_MMIO) print(run.mmio.phys_addr, run.mmio.len, run.mmio.data[0], run.mmio.is_write, run.mmio.data.bytes(2));
       run.mmio.data[1] = 0x42;
       print([...run.mmio.data].length);`,
      [0],
      Object.assign(world, {
        mmap: () => {
          const view = new DataView(world.memory.buffer);
          view.setUint32(8, 6, true);
          view.setBigUint64(32, 0x900_0000n, true);
          world.memory[40] = 0x48;
          view.setUint32(48, 4, true);
          world.memory[52] = 1;
          return 0x10000;
        },
      }),
    ).world;
    expect(printed).toBe('0x9000000 4 72 1 [72, 0]\n8\n');
    expect(world.memory[41]).toBe(0x42);
  });

  it('has memory with checked bounds', () => {
    const { world, end } = run(
      `const ram = alloc(8192, { align: 4096 });
       ram.write(16, 'hi\\0'); ram.setU64(0, 0x1122334455667788n); ram.fill(0xff, 8, 4);
       print(ram.getU16(0), ram.getU64(0), ram.string(16), ram.bytes(8, 5), guest.bytes, guest.entry, guest.symbols._start);
       ram.setU32(8190, 1);`,
    );
    expect(world.printed).toBe('30600 0x1122334455667788 hi [255, 255, 255, 255, 0] [1, 2, 3] 0x40000004 0x4\n');
    expect(end).toMatchObject({ kind: 'failed', line: 4, message: expect.stringContaining('not inside memory') });
  });

  it('sets and reads registers by name through visible ioctls', () => {
    const { calls, world } = run("await setOneReg(5, 'pc', guest.entry); print(await getOneReg(5, regs.x0), regs.pc)");
    expect(calls.map(({ request }) => request & 0xff)).toEqual([0xac, 0xab]);
    const id = new DataView(world.memory.buffer).getBigUint64(Number(calls[1]!.arg) - 0x10000, true);
    expect(id).toBe(0x6030_0000_0010_0000n);
    expect(world.printed).toBe('0x0 0x6030000000100040\n');
  });

  it('prints for the guest and reads what was typed', () => {
    const world = new World();
    world.typed.push(0x61);
    run("uart.write('hé'); uart.write(0x0a); print(uart.read(), uart.read())", [], world);
    expect(world.sent).toEqual([0x68, 0xc3, 0xa9, 0x0a]);
    expect(world.printed).toBe('97 undefined\n');
  });

  it.each([
    ['let a = ;', 1, 'Unexpected token'],
    ['\nawait ioctl(3, KVM_RUN);\nnull.x', 3, "TypeError: cannot read property 'x' of null"],
    ['\nthrow new Error("mine")', 2, 'mine'],
    ['const vm = ioctl(3, KVM_CREATE_VM, 0);\nawait ioctl(vm, KVM_RUN)', 2, 'is an `await` missing?'],
    ["open('/dev/none')", 1, 'open /dev/none: ENOENT: no file /dev/none'],
    ['await new Promise(() => {})', null, 'nothing will settle'],
    ["import x from 'fs'; print(x)", null, "import of 'fs'"],
    ["struct('kvm_regz')", 1, 'struct kvm_regz is not known'],
    ["struct('kvm_userspace_memory_region', { slut: 1 })", 1, 'no member slut'],
    ["struct('kvm_userspace_memory_region', { slot: 2 ** 32 })", 1, 'does not fit u32'],
    ['setTimeout(() => {}, 1)', 1, "'setTimeout' is not defined"],
    ['print(1);\nnew Date()', 2, 'a script has no clock'],
    ['Date.now()', 1, 'a script has no clock'],
    ['Math.random()', 1, 'a script has no random numbers'],
    ['performance.now()', 1, "'performance' is not defined"],
  ])('that is wrong says where and why: %s', (source, line, message) => {
    expect(run(source).end).toMatchObject({ kind: 'failed', line, message: expect.stringContaining(message) });
  });
});

describe('a check', () => {
  it.each([
    ['const a: number = 1;\nawait ioctl(a, KVM_RUN);', null],
    ['let a = 1;\nlet a = 2;', 2],
    ['\n\nfor (let i = 0 i < 3; i++);', 3],
    ['return 1', 1],
  ])('finds what can not be read, and runs nothing: %s', (source, line) => {
    const problem = engine.check(source);
    expect(problem?.line ?? null).toBe(line);
    expect(problem === null).toBe(line === null);
  });

  it('says that a script has no modules to import', () => {
    expect(engine.check("import x from 'fs';\nprint(x)")?.message).toContain('a script is one file');
    expect(engine.check("import { print } from './main.ts';\nprint(1)")?.message).toContain('a script is one file');
  });
});

describe('the limits of a script', () => {
  it.each([
    ['let x = 1;\nfor (;;) {\n}', 2],
    ['let x = 1;\nwhile (true) x++;', 2],
    ['let x = 1;\ndo { x++ } while (x);', 2],
    ['await ioctl(3, KVM_RUN);\nfor (let i = 0; ; i++) { x: while (1) { continue x } }', 2],
    ['try {\n  for (;;);\n} catch {\n  for (;;);\n}', 4],
    ['function spin() {\n  for (;;);\n}\nspin();', 2],
    ['for (;;)\n  print(1);', null],
    ['for (;;) {\n try { print(1) } catch {}\n}', null],
    ['for (;;) await null;', null],
    ['/(a+)+$/.test("a".repeat(60) + "b")', 1],
  ])('a loop without an end fails at its line: %s', (source, line) => {
    const { end } = run(source);
    expect(end).toMatchObject({ kind: 'failed', message: expect.stringContaining('does not end') });
    if (line !== null) expect(end.line).toBe(line);
  });

  it('a loop of ioctls may go on for ever', () => {
    const { calls } = run('for (let i = 0; i < 3000; i++) { let n = 0; while (n < 500) n++; await ioctl(3, KVM_RUN) }');
    expect(calls).toHaveLength(3000);
  });

  it.each([
    ['const a = []; for (;;) a.push("x".repeat(1e4) + a.length)', 'MiB of memory'],
    ['const f = () => f() + 1; f()', 'too deeply'],
    ['JSON.parse("[".repeat(1e5))', ''],
    ['eval("(".repeat(1e5))', ''],
    [`${'('.repeat(1e5)}`, ''],
    ['let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x', ''],
    ['for (let i = 0; i < 2000; i++) ioctl(3, KVM_RUN)', 'is an `await` missing?'],
    ['alloc(2 ** 60)', ''],
    ['memoryAt(0, 1e9).bytes()', 'at once'],
  ])('too much is refused: %s', (source, message) => {
    expect(run(source).end).toMatchObject({ kind: 'failed', message: expect.stringContaining(message) });
    expect(run('print(1)').end).toEqual({ kind: 'done' });
  });

  it('a broken QuickJS is replaced', async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    engine.open()!.broke();
    expect(run('print(1)').end).toEqual({ kind: 'done' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    engine.open()!.broke();
    expect(run('print(1)').end).toEqual({ kind: 'done' });
  });
});

describe('system calls beside ioctl', () => {
  it('reach the host with C’s arguments, and usual ones where a script says none', () => {
    const { world, end } = run(`
      mmap(5, 0x2000);
      mmap(-1, PAGE_SIZE);
      const hole = mmap(-1, 3 * PAGE_SIZE, 0, { prot: PROT_NONE, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, address: 0x100000n });
      mprotect(hole.slice(PAGE_SIZE, PAGE_SIZE), PROT_READ | PROT_WRITE);
      munmap(hole);
      const event = eventfd(2, EFD_SEMAPHORE);
      print(read(event, 8), read(event, 2, 4), write(event, [1, 0, 0]), write(event, [], 8n));
    `);
    expect(end).toEqual({ kind: 'done' });
    const hole = 0x13000;
    expect(world.asked).toEqual([
      ['mmap', 0, 0x2000, 3, 1, 5, 0],
      ['mmap', 0, 0x1000, 3, 0x22, -1, 0],
      ['mmap', 0x10_0000, 0x3000, 0, 0x32, -1, 0],
      ['mprotect', hole + 0x1000, 0x1000, 3],
      ['munmap', hole, 0x3000],
      ['eventfd', 2, 1],
      ['read', 7, 8, null],
      ['read', 7, 2, 4],
      ['write', 7, [1, 0, 0], null],
      ['write', 7, [], 8],
    ]);
    expect(world.printed).toBe('[1, 2, 3] [1, 2] 3 0\n');
  });

  it('fail with the kernel’s reason, and are checked before they reach it', () => {
    const caught = (source: string) =>
      run(`try { ${source} } catch (error) { print(error.name, error.errno ?? error.message) }`).world.printed;
    expect(caught('madvise(alloc(1), 99)')).toBe('SystemError EINVAL\n');
    expect(caught('read(9, 8)')).toBe('SystemError EBADF\n');
    expect(caught('mprotect(4096, PROT_READ)')).toContain('TypeError mprotect: memory is wanted');
    expect(caught('read(7, 1e9)')).toContain('RangeError');
    expect(caught('read(7, -1)')).toContain('RangeError');
    expect(caught('write(7, {})')).toContain('TypeError');
    expect(caught('eventfd(0.5)')).toContain('TypeError');
    expect(caught('mmap(-1, PAGE_SIZE, 0, { address: -4096 })')).toContain('RangeError');
  });

  it('pthread_kill reaches the thread of a call as long as that is under way', () => {
    const { world, end, calls } = run(`
      const call = ioctl(3, KVM_RUN);
      pthread_kill(call, SIGUSR1);
      await ioctl(4, KVM_RUN);
      try { pthread_kill(call, 34n) } catch (error) { print(error.errno, error.message) }
      try { pthread_kill(ioctl(5, KVM_RUN), 99) } catch (error) { print(error.errno) }`);
    expect(end).toEqual({ kind: 'done' });
    expect(world.asked).toEqual([
      ['kill', calls[0]!.fd, 10],
      ['kill', calls[2]!.fd, 99],
    ]);
    expect(world.printed).toBe('ESRCH pthread_kill: ESRCH: the call has returned, and its thread is no more\nEINVAL\n');
  });

  it.each([
    ['pthread_kill(3, SIGUSR1)', 'not number'],
    ['pthread_kill(await ioctl(3, KVM_RUN), SIGUSR1)', 'before it is awaited'],
    ['pthread_kill((async () => { await ioctl(3, KVM_RUN) })(), SIGUSR1)', 'of an async function'],
    ['pthread_kill(ioctl(3, KVM_RUN), "SIGUSR1")', 'a whole number is wanted'],
    ['pthread_kill(ioctl(3, KVM_RUN))', 'a whole number is wanted'],
  ])('pthread_kill says what it wants instead: %s', (source, message) => {
    expect(run(source).end).toMatchObject({ kind: 'failed', line: 1, message: expect.stringContaining(message) });
  });

  it('are counted: a script that makes no others is ended', () => {
    expect(run('for (;;) mprotect(memoryAt(0x10000, 4096), PROT_READ)').end).toMatchObject({ kind: 'failed' });
  });

  it('a register has its name, with the scope that was proposed', () => {
    const { world } = run(
      'print(registerName(regs.x0), registerName(KVM_REG_ARM_STD_BMAP | 1n << 28n), registerName(KVM_REG_ARM_STD_BMAP | 2n << 28n), registerName(1))',
    );
    expect(world.printed).toBe('x0 KVM_REG_ARM_STD_BMAP, scope VM KVM_REG_ARM_STD_BMAP, scope 2 0x1\n');
  });
});
