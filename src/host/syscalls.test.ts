import { describe, expect, it } from 'vitest';
import { MADV_ADVICE, MAP_FLAGS, PROT_FLAGS } from '../abi/posix.ts';
import { isRefusal } from '../kvm/refusal.ts';
import { madvise, mmap, mprotect } from './syscalls.ts';
import { TestVmm } from './testing.ts';

const PAGE = 4096;
const { PROT_NONE, PROT_READ, PROT_WRITE } = PROT_FLAGS;
const { MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE } = MAP_FLAGS;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const AT = 0x1_0000_0000n;

const vmm = new TestVmm();
const { process } = vmm;
const map = (given: Partial<Parameters<typeof mmap>[1]>) => {
  const mapped = mmap(process, {
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
