import { BUFFER, CODE, RecordedGuest, REGISTER, VECTORS } from '../guest.ts';
import { EXIT_REASONS } from '../../../abi/exits.ts';
import { machineCode, SKIPPING_VECTORS } from '../programs.ts';
import { argument, hex, type RecordedObject } from '../record.ts';
import type { Section } from './section.ts';

/** What the probe called its configurations. */
const CONFIGS = {
  default: { features: 4 },
  'gic+pmu+sve+pauth': { features: 0x7c, gic: true },
  default_ipa36: { features: 4, type: 36n },
  fallback_default: { features: 4 },
} as const;
type ConfigName = keyof typeof CONFIGS;
const isConfig = (name: string): name is ConfigName => name in CONFIGS;

const ENCODINGS = 128;
const PSTATE = 0x3c5n;
const UNDEFINED = 0x200_0000n;
const MOV_X2_0 = 0xd2800002;
const MOV_X1_0 = 0xd2800001;
const STP_X1_X2 = 0xa8810801;
const STR_X0_X26 = 0xf9000340;
const NOP = 0xd503201f;

/** MRS X1 of a register. */
function readInto1(op0: number, op1: number, crn: number, crm: number, op2: number): number {
  // The GIC's acknowledge registers: reading them does something.
  const acknowledges = op0 === 3 && op1 === 0 && crn === 12 && (crm === 8 || crm === 12) && op2 === 0;
  if (acknowledges) return NOP;
  return (0xd5200001 | ((op0 & 3) << 19) | (op1 << 16) | (crn << 12) | (crm << 8) | (op2 << 5)) >>> 0;
}

export const sysreg: Section = (probe) => {
  const guest = new RecordedGuest(probe);
  let current: string | null = null;
  const prepare = (name: ConfigName): boolean => {
    if (current === name) return true;
    current = guest.setup(CONFIGS[name]) ? name : null;
    return current !== null;
  };
  return {
    mrs_sweep: (record) => {
      const name = String(record.args.config);
      if (!isConfig(name) || !prepare(name)) return { ret: -1, errno: null };
      const [op0, op1, crn] = ['op0', 'op1', 'crn'].map((part) => Number(argument(record, part)));
      const code = Array.from({ length: ENCODINGS }, (_, n) => [
        MOV_X2_0,
        MOV_X1_0,
        readInto1(op0!, op1!, crn!, n >> 3, n & 7),
        STP_X1_X2,
      ]).flat();
      guest.put(BUFFER, new Uint8Array(16 * ENCODINGS));
      guest.put(CODE, machineCode([...code, STR_X0_X26]));
      guest.put(VECTORS, SKIPPING_VECTORS);
      guest.set('pc', CODE);
      guest.set('pstate', PSTATE);
      guest.setRegister(REGISTER.VBAR_EL1, VECTORS);
      guest.set('x0', BUFFER);
      const { answer } = guest.once();
      const ok = !answer.errno && probe.runStruct(guest.run).exit_reason === EXIT_REASONS.KVM_EXIT_MMIO;
      const words = guest.words(BUFFER, 2 * ENCODINGS);
      const readable: Record<string, string> = {};
      const other: Record<string, string> = {};
      let undefinedOnes = 0;
      for (let n = 0; n < ENCODINGS; n++) {
        const [value = 0n, syndrome = 0n] = words.slice(2 * n, 2 * n + 2);
        const place = `C${n >> 3}_${n & 7}`;
        if (syndrome === 0n) readable[place] = hex(value);
        else undefinedOnes++;
        if (syndrome !== 0n && syndrome !== UNDEFINED) other[place] = hex(syndrome);
      }
      guest.complete();
      const out: RecordedObject = { ok, readable, esr_other: other, undef_count: undefinedOnes };
      return { ret: 0, errno: null, out };
    },
  };
};
