/** A combination of the matrix as a sandbox that can be run, and what must be seen of it. */
import type { HostConfig } from '../../session/messages.ts';
import type { CheckedSandbox, Expectation } from '../../session/types.ts';
import type { Combination } from './axes.ts';
import { guestSource, offsetOf, patternOf, PLACES, placesOf } from './guest.ts';
import script from './vmm.ts.txt?raw';

/** Where memory begins: the host's physical memory, the guest's intermediate physical one. */
export const LOAD = { low: 0x4000_0000n, high: 0x8_0000_4000_0000n } as const;
const HOST_RAM = 0x200_0000n;

function hostOf({ hwPa, hwVa, mode, hostPage, hostPa, hostVa, hostLoad }: Combination): HostConfig {
  return {
    cpu: 'max',
    paBits: hwPa === '48' ? 48 : 52,
    lpa2: hwPa === 'lpa2',
    lva: hwVa === 52,
    kernel: { paBits: hostPa, vaBits: hostVa },
    pageSize: hostPage,
    mode,
    ram: [{ base: LOAD[hostLoad], size: HOST_RAM }],
  };
}

/** Bits of virtual address that the guest's kernel finds: what it was built for, as far as the hardware has it. */
function guestVaBits({ guest, hwPa, hwVa }: Combination): number {
  const has52 = guest.pageSize === 65536 ? hwVa === 52 : hwPa === 'lpa2';
  return guest.vaBits === 52 && has52 ? 52 : 48;
}

/** The virtual addresses at which the guest writes and reads. */
export const placesIn = (combination: Combination): readonly bigint[] => placesOf(guestVaBits(combination));

export function sandboxOf(combination: Combination): CheckedSandbox {
  const load = LOAD[combination.guestLoad];
  const expect: Expectation[] = [
    { see: 'ioctl', name: 'KVM_RUN', nth: 1, errno: null, exit: 'KVM_EXIT_SYSTEM_EVENT KVM_SYSTEM_EVENT_SHUTDOWN' },
    { see: 'register', name: 'x19', value: BigInt(PLACES) },
    ...placesIn(combination).map((va, n): Expectation => ({
      see: 'walk',
      va,
      ipa: load + offsetOf(n),
      pa: { from: LOAD[combination.hostLoad], below: LOAD[combination.hostLoad] + HOST_RAM },
      value: patternOf(n),
    })),
  ];
  return {
    sandbox: {
      host: hostOf(combination),
      script: script.replace(/^const LOAD = .*$/m, `const LOAD = 0x${load.toString(16)}n;`),
      guest: guestSource(combination.guest),
    },
    expect,
  };
}
