/** A combination of the matrix as a sandbox that can be run, and what must be seen of it. */
import type { HostConfig } from '../../session/messages.ts';
import type { CheckedSandbox, Expectation } from '../../session/types.ts';
import type { Combination, GuestKernel } from './axes.ts';
import { guestSource, offsetOf, patternOf, PLACES, placesOf } from './guest.ts';
import script from './vmm.ts.txt?raw';

/**
 * Where memory begins: the host's physical memory, the guest's intermediate physical one. High ones have each of bits 51:48 set
 * in one or the other, and bits 51:50 unlike 49:48: no format can lose or exchange a bit of them unseen.
 */
export const HOST_LOAD = { low: 0x4000_0000n, high: 0xb_0000_4000_0000n } as const;
export const GUEST_LOAD = { low: 0x4000_0000n, high: 0xd_0000_4000_0000n } as const;
const HOST_RAM = 0x200_0000n;

/** Where the VMM maps the guest's memory, by the bits of the host's virtual addresses; no block of its tables fits it. */
const MAPPED_AT = { 48: 0xaaaa_4001_0000n, 52: 0xa_aaaa_4001_0000n } as const;

function hostOf({ hwPa, hwVa, mode, hostPage, hostPa, hostVa, hostLoad }: Combination): HostConfig {
  return {
    cpu: 'max',
    paBits: hwPa === '48' ? 48 : 52,
    lpa2: hwPa === 'lpa2',
    lva: hwVa === 52,
    kernel: { paBits: hostPa, vaBits: hostVa },
    pageSize: hostPage,
    mode,
    ram: [{ base: HOST_LOAD[hostLoad], size: HOST_RAM }],
  };
}

/** Bits of virtual address that the guest's kernel finds: what it was built for, as far as the hardware has it. */
/** The bits of virtual address that a kernel has on the hardware: 52 where both have them. */
function vaBitsOf({ pageSize, vaBits }: GuestKernel, { hwPa, hwVa }: Combination): 48 | 52 {
  const has52 = pageSize === 65536 ? hwVa === 52 : hwPa === 'lpa2';
  return vaBits === 52 && has52 ? 52 : 48;
}

const hostKernel = ({ hostPage, hostPa, hostVa }: Combination): GuestKernel => ({
  pageSize: hostPage,
  paBits: hostPa,
  vaBits: hostVa,
});

/** Where the guest's memory is in the VMM's address space. */
export const mappedAt = (combination: Combination): bigint => MAPPED_AT[vaBitsOf(hostKernel(combination), combination)];

/** The virtual addresses at which the guest writes and reads. */
export const placesIn = (combination: Combination): readonly bigint[] =>
  placesOf(vaBitsOf(combination.guest, combination));

export function sandboxOf(combination: Combination): CheckedSandbox {
  const load = GUEST_LOAD[combination.guestLoad];
  const ram = HOST_LOAD[combination.hostLoad];
  const expect: Expectation[] = [
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
    { see: 'register', name: 'x19', value: BigInt(PLACES) },
    ...placesIn(combination).map((va, n): Expectation => ({
      see: 'walk',
      va,
      ipa: load + offsetOf(n),
      pa: { from: ram, below: ram + HOST_RAM },
      value: patternOf(n),
    })),
  ];
  return {
    sandbox: {
      host: hostOf(combination),
      script: withConstants({ LOAD: load, MAPPED_AT: mappedAt(combination) }),
      guest: guestSource(combination.guest),
    },
    expect,
  };
}

/** The VMM's script, with other values for constants that it begins with. */
const withConstants = (values: Readonly<Record<string, bigint>>): string =>
  Object.entries(values).reduce(
    (text, [name, value]) =>
      text.replace(new RegExp(`^const ${name} = .*$`, 'm'), `const ${name} = 0x${value.toString(16)}n;`),
    script,
  );
