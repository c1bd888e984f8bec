/** What the page says of a combination that is opened: who plays, and where to look. */
import type { Combination, GuestKernel } from './axes.ts';
import { PLACES } from './guest.ts';
import { GUEST_LOAD, HOST_LOAD, mappedAt, placesIn } from './sandbox.ts';

const HARDWARE: Readonly<Record<Combination['hwPa'], string>> = {
  '48': 'has 48 bits of physical address',
  lpa: 'has FEAT_LPA: 52 bits of physical address with 64K pages',
  lpa2: 'has FEAT_LPA2: 52 bits of physical address with every page size',
};

const MODES: Readonly<Record<Combination['mode'], string>> = {
  vhe: 'runs at EL2 (VHE)',
  nvhe: 'runs at EL1, with a part of KVM at EL2 (nVHE)',
  protected: 'runs at EL1, and the part of KVM at EL2 does not trust it (protected mode)',
};

const kernelText = ({ pageSize, paBits, vaBits }: GuestKernel): string =>
  `has ${pageSize / 1024}K pages, and was built for ${paBits} bits of physical and ${vaBits} of virtual address`;

const hex = (value: bigint): string => `\`0x${value.toString(16)}\``;

/** In the Markdown that labs are written in. */
export function textOf(combination: Combination): string {
  const { hwPa, hwVa, mode, hostPage, hostPa, hostVa, hostLoad, guest, guestLoad } = combination;
  const places = placesIn(combination);
  const hostKernel = kernelText({ pageSize: hostPage, paBits: hostPa, vaBits: hostVa });
  return `The hardware ${HARDWARE[hwPa]}${hwVa === 52 ? ', and FEAT_LVA: 52 bits of virtual address with 64K pages' : ''}.

The host's kernel ${hostKernel}. It ${MODES[mode]}. Its memory begins at ${hex(HOST_LOAD[hostLoad])}.

The guest's kernel ${kernelText(guest)}. Its memory begins at ${hex(GUEST_LOAD[guestLoad])}; the VMM has it at
${hex(mappedAt(combination))} of its own addresses.

1. **Run**. The guest builds tables in its own format and turns its MMU on. Then it writes and reads at both ends of both halves of its
   address space, and counts in \`x19\` what was right: see **Registers**, it must be ${PLACES}.
2. Open **Stage 1** and **Stage 2**. The line above the tables says the size and format of each; unfolded, by which bits of which register.
3. Ask **Walk** for ${places.map(hex).join(', ')}, a read: these are the places. Each is a page of the guest's memory, and that one of the host's.

**Boot matrix** has all the others, and boots them at once.`;
}
