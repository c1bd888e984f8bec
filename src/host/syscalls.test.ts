import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MADV_ADVICE, MAP_FLAGS, PROT_FLAGS, SIGNALS } from '../abi/posix.ts';
import { isRefusal } from '../kvm/refusal.ts';
import type { Process } from './process.ts';
import { checkSignal, madvise, mmap, mprotect } from './syscalls.ts';
import { TestVmm } from './testing.ts';

const PAGE = 4096;
const { PROT_NONE, PROT_READ, PROT_WRITE } = PROT_FLAGS;
const { MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE } = MAP_FLAGS;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const AT = 0x1_0000_0000n;

const vmm = new TestVmm();
const { process } = vmm;
const map = (given: Partial<Parameters<typeof mmap>[1]>, on = process) => {
  const mapped = mmap(on, {
    address: 0n,
    length: PAGE,
    prot: PROT_READ | PROT_WRITE,
    flags: ANON,
    fd: -1,
    offset: 0n,
    ...given,
  });
  return isRefusal(mapped) ? mapped.errno : mapped.address;
};

describe('mmap', () => {
  it.each([
    ['neither shared nor private', { flags: MAP_ANONYMOUS }, 'EINVAL'],
    ['both', { flags: MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE }, 'EINVAL'],
    ['no bytes', { length: 0 }, 'EINVAL'],
    ['a descriptor that is none', { flags: MAP_SHARED, fd: 99 }, 'EBADF'],
    ['a descriptor that has no pages', { flags: MAP_SHARED, fd: vmm.kvm }, 'ENODEV'],
    ['an offset inside of a page', { offset: 1n }, 'EINVAL'],
    ['a fixed address inside of a page', { flags: ANON | MAP_FIXED, address: AT + 1n }, 'EINVAL'],
    ['the first page', { flags: ANON | MAP_FIXED, address: 0n }, 'EPERM'],
    ['more than there is', { length: 2 ** 50 }, 'ENOMEM'],
  ])('of %s', (_what, given, errno) => {
    expect(map(given)).toBe(errno);
  });

  it('takes a fixed place over, or leaves what is there', () => {
    expect(map({ address: AT, flags: ANON | MAP_FIXED, length: 3 * PAGE })).toBe(AT);
    process.memory.write(AT, Uint8Array.of(1));
    expect(map({ address: AT + BigInt(PAGE), flags: ANON | MAP_FIXED_NOREPLACE })).toBe('EEXIST');
    expect(map({ address: AT, flags: ANON | MAP_FIXED, prot: PROT_NONE })).toBe(AT);
    expect(process.memory.read(AT, 1)).toBeNull();
    expect(mprotect(process, AT, PAGE, PROT_READ)).toEqual({ ret: 0 });
    expect(process.memory.read(AT, 1)).toEqual(Uint8Array.of(0));
    expect(map({ address: AT + BigInt(3 * PAGE), flags: ANON | MAP_FIXED_NOREPLACE })).toBe(AT + BigInt(3 * PAGE));
  });
});

it('mmap takes a hint, and gives addresses above 2^48 only to one that asks for them of a kernel and CPU that have them', () => {
  const ram = [{ base: 0x4000_0000n, size: 0x400_0000n }];
  const kernelOf = (vaBits: 48 | 52) =>
    new TestVmm({ cpu: 'max', pageSize: 65536, mode: 'vhe', ram, kernel: { paBits: 48, vaBits } }).process;
  const [wide, narrow] = [kernelOf(52), kernelOf(48)];
  const hint = { address: 0xa_aaaa_4001_0123n, length: 0x2_0000 };
  const window = 2n ** 48n;
  expect(map({}, wide)).toBeLessThan(window);
  expect(map(hint, wide)).toBe(0xa_aaaa_4001_0000n);
  // There is something now: the highest place of all that there is.
  expect(map(hint, wide)).toBe(2n ** 52n - 128n * 2n ** 20n - 0x2_0000n);
  expect(map({ ...hint, address: 0xaaaa_4001_0000n }, wide)).toBe(0xaaaa_4001_0000n);
  expect(map(hint, narrow)).toBeLessThan(window);
  expect(map({ address: 0x1_0001n }, narrow)).toBe(0x1_0000n);
});

it('mprotect and madvise refuse words that they do not know', () => {
  expect(mprotect(process, AT, PAGE, 0x40)).toMatchObject({ errno: 'EINVAL', rule: 'mprotect.prot' });
  expect(madvise(process, AT, PAGE, 99)).toMatchObject({ errno: 'EINVAL', rule: 'madvise.advice' });
  expect(madvise(process, AT, PAGE, MADV_ADVICE.MADV_NORMAL)).toEqual({ ret: 0 });
});

it('an eventfd counts, as a semaphore too, and says what it can not take', () => {
  const number = (bytes: unknown) =>
    bytes instanceof Uint8Array ? new DataView(bytes.slice().buffer).getBigUint64(0, true) : bytes;
  const add = (fd: number, value: bigint) => process.write(fd, new Uint8Array(BigUint64Array.of(value).buffer));
  const event = process.eventfd(3) as number;
  expect(add(event, 4n)).toBe(8);
  expect(number(process.read(event, 8))).toBe(7n);
  expect(process.read(event, 8)).toMatchObject({ errno: 'EAGAIN' });
  expect(process.read(event, 7)).toMatchObject({ errno: 'EINVAL' });
  expect(add(event, (1n << 64n) - 1n)).toMatchObject({ errno: 'EINVAL' });
  const semaphore = process.eventfd(2, 1) as number;
  expect([number(process.read(semaphore, 8)), number(process.read(semaphore, 8))]).toEqual([1n, 1n]);
  expect(process.eventfd(0, 2)).toMatchObject({ errno: 'EINVAL', rule: 'eventfd.flags' });
  expect([process.close(event), process.close(event)]).toMatchObject([{ ret: 0 }, { errno: 'EBADF' }]);
  expect(process.read(vmm.kvm, 8)).toMatchObject({ errno: 'EINVAL', rule: 'fd.no-read' });
});

const word = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 0x21, 0x22, 0x32, 0x10_0022, 4, 14, 15, -1, 0x7fff_ffff),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
);
const length = fc.oneof(fc.constantFrom(0, 1, 8, PAGE, 3 * PAGE, 2 ** 40, 2 ** 53 - 1, -1), fc.maxSafeInteger());
const address = fc.oneof(
  fc.integer({ min: -4, max: 8 }).map((page) => AT + BigInt(page * PAGE)),
  fc.constantFrom(0n, 1n, AT + 1n, 1n << 48n, (1n << 52n) - 4096n, (1n << 64n) - 4096n),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const fd = fc.integer({ min: -1, max: 12 });

/** Any system call of a process, with any arguments. */
const call = fc.oneof(
  fc
    .record({ address, length, prot: word, flags: word, fd, offset: address })
    .map((given) => (on: Process) => mmap(on, given)),
  fc.tuple(address, length, word).map((given) => (on: Process) => mprotect(on, ...given)),
  fc.tuple(address, length, word).map((given) => (on: Process) => madvise(on, ...given)),
  fc.tuple(address, length).map((given) => (on: Process) => on.munmap(...given)),
  fc.tuple(word, word).map((given) => (on: Process) => on.eventfd(...given)),
  fc
    .tuple(fd, fc.constantFrom(0, 7, 8, 4096), fc.option(fc.maxSafeInteger()))
    .map((given) => (on: Process) => on.read(...given)),
  fc.tuple(fd, fc.uint8Array({ maxLength: 12 })).map((given) => (on: Process) => on.write(...given)),
  fd.map((given) => (on: Process) => on.close(given)),
  fc.constantFrom('/dev/kvm', '/etc/passwd').map((path) => (on: Process) => on.open(path)),
);

it('every refusal names its rule, its operands and the kernel’s function; nothing is left of a process that has ended', () => {
  const { host } = new TestVmm();
  const free = host.freePages;
  fc.assert(
    fc.property(fc.array(call, { maxLength: 30 }), (calls) => {
      const child = host.createProcess();
      for (const make of calls) {
        const answer = make(child);
        if (!isRefusal(answer)) continue;
        expect(answer.rule).toMatch(/^[a-z0-9-]+\.[a-z0-9-]+$/);
        expect(answer.message).toMatch(/^(?!.*(undefined|NaN|\[object)).{8,}/);
        expect(answer.kernel).toMatch(/^\w+$/);
      }
      child.memory.write(AT, new Uint8Array(3 * PAGE));
      child.exit();
      expect(host.freePages).toBe(free);
    }),
    { numRuns: 400 },
  );
});

describe('a signal', () => {
  it('is one of 1 to 64 that can have a handler, or 0 to ask', () => {
    const refused = Array.from({ length: 68 }, (_, n) => n - 1).filter((signal) => checkSignal(signal) !== null);
    expect(refused).toEqual([-1, SIGNALS.SIGKILL, SIGNALS.SIGSTOP, 65, 66]);
    expect(checkSignal(1.5)).toMatchObject({ errno: 'EINVAL' });
    expect(checkSignal(SIGNALS.SIGKILL)?.message).toContain('can have no handler');
  });
});
