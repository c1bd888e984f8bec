/**
 * The combinations of hardware, host kernel and guest kernel that KVM's LPA2 series was tested with, and which of them can be.
 * "Low" is memory below 2^48, "high" above: of the host's physical addresses, of the guest's intermediate ones.
 */
import type { KvmMode, PageSize } from '../../session/messages.ts';

export interface GuestKernel {
  readonly pageSize: PageSize;
  readonly paBits: 48 | 52;
  readonly vaBits: 48 | 52;
}

export interface Combination {
  /** Physical addresses: 48 bits; 52 with 64K pages (FEAT_LPA); 52 with all (FEAT_LPA2). */
  readonly hwPa: '48' | 'lpa' | 'lpa2';
  /** Virtual addresses with 64K pages: 52 with FEAT_LVA. */
  readonly hwVa: 48 | 52;
  readonly mode: KvmMode;
  readonly hostPage: PageSize;
  readonly hostPa: 48 | 52;
  readonly hostVa: 48 | 52;
  readonly hostLoad: 'low' | 'high';
  readonly guest: GuestKernel;
  readonly guestLoad: 'low' | 'high';
}

/** A rule that a combination breaks, or not. */
export interface Rule {
  readonly name: string;
  /** Why, in a sentence. */
  readonly because: string;
  readonly breaks: (combination: Combination) => boolean;
}

const PAGES: readonly PageSize[] = [4096, 16384, 65536];
const BITS = [48, 52] as const;
const LOADS = ['low', 'high'] as const;
const HW_PA = ['48', 'lpa', 'lpa2'] as const;
const MODES: readonly KvmMode[] = ['vhe', 'nvhe', 'protected'];

const HARDWARE: Rule = {
  name: 'host-high-hardware',
  because: 'the host’s memory lies above 2^48, where this hardware has no physical addresses',
  breaks: ({ hostLoad, hwPa }) => hostLoad === 'high' && hwPa === '48',
};
const HOST_KERNEL: Rule = {
  name: 'host-high-kernel',
  because: 'the host’s memory lies above 2^48, and its kernel was built for 48 bits of physical address',
  breaks: ({ hostLoad, hostPa }) => hostLoad === 'high' && hostPa === 48,
};
const GUEST_HARDWARE: Rule = {
  name: 'guest-high-hardware',
  because: 'the guest’s memory lies above 2^48, and on this hardware no VM has so many bits of IPA',
  breaks: ({ guestLoad, hwPa }) => guestLoad === 'high' && hwPa === '48',
};

/** As the series was tested: kernels had 52-bit addresses with 64K pages alone. */
const THEN: readonly Rule[] = [
  {
    name: 'host-52-needs-64k',
    because: 'a kernel of that time has 52 bits of physical or virtual address only with 64K pages',
    breaks: ({ hostPage, hostPa, hostVa }) => hostPage !== 65536 && (hostPa === 52 || hostVa === 52),
  },
  HARDWARE,
  HOST_KERNEL,
  GUEST_HARDWARE,
  {
    name: 'guest-high-kernel',
    because: 'the guest’s memory lies above 2^48, and the host’s kernel was built for 48 bits of physical address',
    breaks: ({ guestLoad, hostPa }) => guestLoad === 'high' && hostPa === 48,
  },
];

/** As Linux is since 6.8: FEAT_LPA2 at the kernel's own stage 1, guests of every page size. */
const NOW: readonly Rule[] = [
  {
    name: 'host-lpa2-both',
    because: 'with 4K and 16K pages a kernel has 52 bits for both physical and virtual addresses, or for neither',
    breaks: ({ hostPage, hostPa, hostVa }) => hostPage !== 65536 && hostPa !== hostVa,
  },
  {
    name: 'guest-lpa2-both',
    because:
      'with 4K and 16K pages a guest’s kernel has 52 bits for both physical and virtual addresses, or for neither',
    breaks: ({ guest }) => guest.pageSize !== 65536 && guest.paBits !== guest.vaBits,
  },
  HARDWARE,
  HOST_KERNEL,
  {
    name: 'host-high-lpa2',
    because: 'the host’s memory lies above 2^48, and with its page size that takes FEAT_LPA2',
    breaks: ({ hostLoad, hostPage, hwPa }) => hostLoad === 'high' && hostPage !== 65536 && hwPa !== 'lpa2',
  },
  GUEST_HARDWARE,
  {
    name: 'guest-high-ipa',
    because: 'the guest’s memory lies above 2^48, and KVM on this host gives no VM more than 48 bits of IPA',
    breaks: ({ guestLoad, hostPage, hwPa }) => guestLoad === 'high' && hostPage !== 65536 && hwPa !== 'lpa2',
  },
  {
    name: 'guest-high-kernel',
    because: 'the guest’s memory lies above 2^48, and its own kernel was built for 48 bits of physical address',
    breaks: ({ guestLoad, guest }) => guestLoad === 'high' && guest.paBits === 48,
  },
  {
    name: 'guest-high-lpa2',
    because: 'the guest’s memory lies above 2^48, and with its page size that takes FEAT_LPA2',
    breaks: ({ guestLoad, guest, hwPa }) => guestLoad === 'high' && guest.pageSize !== 65536 && hwPa !== 'lpa2',
  },
];

export interface MatrixSet {
  readonly name: string;
  readonly title: string;
  readonly rules: readonly Rule[];
  readonly guests: readonly GuestKernel[];
}

export const SETS: readonly MatrixSet[] = [
  {
    name: 'series',
    title: 'The LPA2 series’ own: hosts of that time, guests with 64K pages and 52 bits',
    rules: THEN,
    guests: [{ pageSize: 65536, paBits: 52, vaBits: 52 }],
  },
  {
    name: 'extended',
    title: 'Hosts as Linux is since 6.8, guests of every page size',
    rules: NOW,
    guests: PAGES.flatMap((pageSize) =>
      BITS.flatMap((paBits) => BITS.map((vaBits): GuestKernel => ({ pageSize, paBits, vaBits }))),
    ),
  },
];

/** Every combination of a set, valid or not, in the order of the axes. */
export function combinations({ guests }: MatrixSet): Combination[] {
  return HW_PA.flatMap((hwPa) =>
    BITS.flatMap((hwVa) =>
      MODES.flatMap((mode) =>
        PAGES.flatMap((hostPage) =>
          BITS.flatMap((hostPa) =>
            BITS.flatMap((hostVa) =>
              LOADS.flatMap((hostLoad) =>
                guests.flatMap((guest) =>
                  LOADS.map((guestLoad): Combination => ({
                    hwPa,
                    hwVa,
                    mode,
                    hostPage,
                    hostPa,
                    hostVa,
                    hostLoad,
                    guest,
                    guestLoad,
                  })),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** The first rule that a combination breaks; null: it can be. */
export function brokenRule(set: MatrixSet, combination: Combination): Rule | null {
  return set.rules.find(({ breaks }) => breaks(combination)) ?? null;
}

const kib = (bytes: number) => `${bytes / 1024}K`;

/** `lpa2/52 vhe, host 64K/52/48 high, guest 64K/52/52 low`. */
export function combinationText(c: Combination): string {
  const kernel = (page: number, pa: number, va: number, load: string) => `${kib(page)}/${pa}/${va} ${load}`;
  const host = kernel(c.hostPage, c.hostPa, c.hostVa, c.hostLoad);
  const guest = kernel(c.guest.pageSize, c.guest.paBits, c.guest.vaBits, c.guestLoad);
  return `${c.hwPa}/${c.hwVa} ${c.mode}, host ${host}, guest ${guest}`;
}

/** A name for links: `lpa2-52-vhe-64K-52-48-high-64K-52-52-low`. */
export function combinationKey(c: Combination): string {
  const { guest } = c;
  const host = [kib(c.hostPage), c.hostPa, c.hostVa, c.hostLoad];
  return [c.hwPa, c.hwVa, c.mode, ...host, kib(guest.pageSize), guest.paBits, guest.vaBits, c.guestLoad].join('-');
}

/** The combination of a name, if any set has it and can boot it. */
export function combinationByKey(key: string): Combination | null {
  for (const set of SETS) {
    const found = combinations(set).find((one) => combinationKey(one) === key);
    if (found && !brokenRule(set, found)) return found;
  }
  return null;
}
