import { describe, expect, test } from 'vitest';
import { assemble } from '../isa/a64/assembler.ts';
import { computePac } from '../isa/a64/semantics/qarma.ts';
import { HCR } from './el2.ts';
import { Machine } from './machine.ts';

const ENTRY = 0x4000_0000;
const KEYS = HCR.RW | HCR.API | HCR.APK;

function boot(source: string, { cpu: name = 'max', hcr = KEYS }: { cpu?: 'max' | 'cortex-a57'; hcr?: bigint } = {}) {
  const machine = new Machine({ cpu: name, pageSize: 4096, ram: [{ base: ENTRY, size: 1 << 20 }] });
  const { bytes, symbols, errors } = assemble(source, { origin: BigInt(ENTRY) });
  expect(errors).toEqual([]);
  machine.memory.writeBytes(ENTRY, bytes);
  machine.cpu.state.pc = BigInt(ENTRY);
  machine.cpu.el2.HCR_EL2 = hcr;
  return { ...machine, cpu: machine.cpu, symbol: (label: string) => symbols.get(label)! };
}

const enable = (bits: number) => `mrs x0, sctlr_el1\n ldr x1, =${bits}\n orr x0, x0, x1\n msr sctlr_el1, x0\n isb\n`;
const EN_IA = 2 ** 31;
const VECTORS = '.balign 0x800\n vectors: .skip 0x200\n mrs x20, esr_el1\n mrs x22, elr_el1\n hvc #1\n .ltorg\n';
const SET_VECTORS = 'adr x0, vectors\n msr vbar_el1, x0\n';
const stop = (cpu: Machine['cpu']) => {
  const result = cpu.run(1000);
  return result.why === 'trap' ? result.esr : expect.fail(result.why);
};
const HVC = 0x5a00_0000;
const PAC_TRAP = 0x2600_0000;

test("QARMA5 gives what its author's paper gives", () => {
  const { engine } = boot('nop');
  const [key, whitening] = [0xec2802d4e0a488e9n, 0x84be85ce9804e94bn];
  const code = engine.library.compute(computePac, 0xfb623599da6e8127n, 0x477d469dec0b8762n, key, whitening);
  expect(code).toBe(0xc003b93999b33765n);
});

describe('EL2 with HCR_EL2.API = 0', () => {
  test.each(['pacia x2, x3', 'autiza x2', 'paciasp', 'braaz x2', 'pacga x2, x3, x4', 'eretaa'])(
    'has %s, where its key is enabled',
    (instruction) => {
      const { cpu, symbol } = boot(`${enable(EN_IA)} here: ${instruction}\n hvc #0\n .ltorg`, { hcr: HCR.RW });
      expect(stop(cpu)).toBe(PAC_TRAP);
      expect(cpu.state.pc).toBe(symbol('here'));
    },
  );

  test('has nothing of keys that are not enabled, nor of XPACI', () => {
    const { cpu } = boot('mov x2, #1\n pacia x2, x3\n autdb x2, x3\n xpaci x2\n hvc #7', { hcr: HCR.RW });
    expect([stop(cpu), cpu.state.x(2)]).toEqual([HVC + 7, 1n]);
  });

  test('and APK = 0 has the keys', () => {
    const { cpu } = boot('msr apiakeylo_el1, x0', { hcr: HCR.RW });
    expect(stop(cpu) >>> 26).toBe(0x18);
  });
});

test('a CPU without pointer authentication has NOPs for its hints, and no other of its instructions', () => {
  const { cpu, symbol } = boot(
    `${SET_VECTORS} mov x30, #5\n paciasp\n autiasp\n xpaclri\n here: pacia x30, x0\n hvc #0\n ${VECTORS}`,
    { cpu: 'cortex-a57' },
  );
  expect(stop(cpu)).toBe(HVC + 1);
  expect([cpu.state.x(30), cpu.state.x(20), cpu.state.x(22)]).toEqual([5n, 0x0200_0000n, symbol('here')]);
});

test('with a tag in one half alone, bit 55 of a pointer says which half its code is for', () => {
  /* TBI1, T0SZ = T1SZ = 16; the pointer's bits 63 and 55 differ (AddPAC). */
  const tcr = 2n ** 38n + 16n * 2n ** 16n + 16n;
  const { cpu } = boot(`
    ldr x0, =${tcr}
    msr tcr_el1, x0
    ${enable(EN_IA)}
    ldr x2, =0x8000000000001234
    paciza x2
    xpaci x2
    hvc #7
    .ltorg
  `);
  expect([stop(cpu), cpu.state.x(2)]).toEqual([HVC + 7, 0x1234n]);
});

describe('a branch to a tagged address', () => {
  const TBI0 = 1n << 37n;
  const TBID0 = 1n << 51n;
  const source = (tcr: bigint) => `
    ${SET_VECTORS}
    ldr x0, =${tcr}
    msr tcr_el1, x0
    isb
    adr x1, there
    movk x1, #0x5a00, lsl #48
    blr x1
    .inst 0
  there: adr x2, there
    hvc #7
    ${VECTORS}
  `;

  test('loses the tag where instructions have it ignored', () => {
    const { cpu, symbol } = boot(source(TBI0));
    expect([stop(cpu), cpu.state.x(2), cpu.state.pc]).toEqual([HVC + 7, symbol('there'), symbol('there') + 8n]);
  });

  test('faults where data alone has', () => {
    const { cpu, symbol } = boot(source(TBI0 | TBID0));
    expect(stop(cpu)).toBe(HVC + 1);
    expect([cpu.state.x(20), cpu.state.x(22)]).toEqual([0x8600_0000n, symbol('there') + 0x5a00_0000_0000_0000n]);
  });
});
