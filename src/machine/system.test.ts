import { expect, test } from 'vitest';
import { sysregByName, sysregName } from '../isa/a64/sysreg-names.ts';
import { HCR, ICC_SRE, MDCR } from './el2.ts';
import { Machine } from './machine.ts';

/**
 * Encodings that MRS could read at EL1 of a KVM guest on a Cortex-A57; all others of op0 2 and 3 were UNDEFINED
 * (oracle/arm64/a57-4k, section sysreg).
 */
const READABLE = new Set(
  `8004 8005 8006 8007 800c 800d 800e 800f 8010 8012 8014 8015 8016 8017 801c 801d 801e 801f 8024 8025 802c 802d 8080 808c 809c 9808 c000 c005 c006 c008 c009 c00a c00b c00c c00d c00e c00f c010 c011 c012 c013 c014 c015 c016 c017 c018 c019 c01a c01b c01c c01d c01e c01f c020 c021 c022 c023 c024 c025 c026 c027 c028 c029 c02a c02b c02c c02d c02e c02f c030 c031 c032 c033 c034 c035 c036 c037 c038 c039 c03a c03b c03c c03d c03e c03f c080 c081 c082 c100 c101 c102 c200 c201 c208 c210 c212 c288 c289 c290 c300 c3a0 c510 c518 c600 c608 c640 c660 c665 c681 c684 c708 c800 c801 c807 cd82 cd83 cf80 cf90 cf91 cf92 cf93 cf98 d000 d801 d807 da10 da11 de82 de83 df00 df01 df02 df10 df11 df12 df18 df19 df1a`
    .split(' ')
    .map((key) => parseInt(key, 16)),
);
/** ICC_IAR0_EL1 and ICC_IAR1_EL1, which the sweep left out: this machine has no GIC registers but ICC_SRE_EL1. */
const NOT_HERE = new Set([0xc640, 0xc660]);

test('what EL1 can read is what a guest was seen to read, unless EL2 traps it as KVM does', () => {
  const { memory, cpu } = new Machine({
    cpu: 'cortex-a57',
    pageSize: 4096,
    ram: [{ base: 0x4000_0000, size: 1 << 16 }],
  });
  const { RW, TID1, TID2, TID3, TIDCP, TACR, TSC, TWI, TWE, TSW, TLOR, IMO, FMO, AMO } = HCR;
  cpu.el2.HCR_EL2 = RW | TID1 | TID2 | TID3 | TIDCP | TACR | TSC | TWI | TWE | TSW | TLOR | IMO | FMO | AMO;
  cpu.el2.MDCR_EL2 = MDCR.TPM | MDCR.TPMCR | MDCR.TDA | MDCR.TDOSA | MDCR.TDRA;
  cpu.el2.ICC_SRE_EL2 = ICC_SRE.ENABLE;
  const different: string[] = [];
  let answered = 0;
  for (let key = 0x8000; key < 0x10000; key++) {
    memory.write32(0x4000_0000, 0xd520_0003 + key * 32);
    cpu.state.pstate = 0x3c5;
    cpu.state.pc = 0x4000_0000n;
    if (cpu.run(1).why === 'trap' || NOT_HERE.has(key)) continue;
    const read = cpu.state.pc === 0x4000_0004n;
    if (read) answered++;
    if (read !== READABLE.has(key)) different.push(`${sysregName(key)} ${read ? 'is readable' : 'is UNDEFINED'}`);
  }
  expect(different).toEqual([]);
  expect(answered).toBeGreaterThan(30);
});

test.each([
  ['dbgbvr6_el1', 'neoverse-n1'],
  ['dbgbcr15_el1', 'neoverse-n1'],
  ['dbgwvr4_el1', 'neoverse-n1'],
  ['pmmir_el1', 'cortex-a57'],
  ['pmmir_el1', 'neoverse-n1'],
  ['lorc_el1', 'cortex-a57'],
] as const)('%s, which is not there on %s, is UNDEFINED and not trapped to EL2', (name, cpuName) => {
  expect(readAt(name, cpuName)).toBe('UNDEFINED');
});

test.each([
  ['dbgbvr5_el1', 'cortex-a57'],
  ['dbgwcr3_el1', 'cortex-a57'],
  ['pmmir_el1', 'max'],
  ['lorc_el1', 'neoverse-n1'],
] as const)('%s of %s is trapped to EL2', (name, cpuName) => {
  expect(readAt(name, cpuName)).toBe('trapped');
});

/** What MRS at EL1 does where EL2 traps debug, performance monitors and ordering regions. */
function readAt(name: string, cpuName: 'max' | 'cortex-a57' | 'neoverse-n1'): 'UNDEFINED' | 'trapped' | 'read' {
  const { memory, cpu } = new Machine({ cpu: cpuName, pageSize: 4096, ram: [{ base: 0x4000_0000, size: 1 << 16 }] });
  cpu.el2.HCR_EL2 = HCR.RW | HCR.TLOR;
  cpu.el2.MDCR_EL2 = MDCR.TPM | MDCR.TDA;
  memory.write32(0x4000_0000, 0xd520_0003 + sysregByName(name)! * 32);
  cpu.state.pc = 0x4000_0000n;
  if (cpu.run(1).why === 'trap') return 'trapped';
  return cpu.state.pc === 0x4000_0004n ? 'read' : 'UNDEFINED';
}

test.each([
  ['a read', 0xd533_0101, 0n, 'trap'],
  ['a read, with MDSCR_EL1.TDCC,', 0xd533_0101, 1n << 12n, 'EL1'],
  ['a write', 0xd513_0101, 0n, 'EL1'],
] as const)(
  'MDCCSR_EL0 is read-only, EL0 reads it where MDSCR_EL1.TDCC lets it: %s goes to',
  (_what, word, mdscr, to) => {
    const { memory, cpu } = new Machine({
      cpu: 'cortex-a57',
      pageSize: 4096,
      ram: [{ base: 0x4000_0000, size: 1 << 16 }],
    });
    cpu.el2.HCR_EL2 = HCR.RW;
    cpu.el2.MDCR_EL2 = MDCR.TDA;
    cpu.write('MDSCR_EL1', mdscr);
    memory.write32(0x4000_0000, word);
    cpu.state.pc = 0x4000_0000n;
    cpu.setPstate(0x3c0);
    const { why } = cpu.run(1);
    expect(why === 'trap' ? why : `EL${cpu.state.level}`).toBe(to);
  },
);
