import { MP_STATES } from '../../../abi/constants.ts';
import { NAMED_REGS } from '../../../abi/onereg.ts';
import { kvm_mp_state } from '../../../abi/structs.ts';
import { CODE, RecordedGuest } from '../guest.ts';
import { program } from '../programs.ts';
import { errnoName } from '../probe.ts';
import { argument, hex } from '../record.ts';
import type { Case, Section } from './section.ts';

const PSCI_0_2 = 4;
const NO_STATE = 99;
const PSCI_FEATURES = 0x8400_000an;
const ARCH_FEATURES = 0x8000_0001n;
/** The versions that the probe chose, by its words for them; absent: as the features have it. */
const VERSIONS: Readonly<Record<string, bigint>> = { '0.2': 2n, '1.0': 0x10000n };
const MOST_EXITS = 3;

export const psci: Section = (probe) => {
  const guest = new RecordedGuest(probe);
  const state = (vcpu: number): number => {
    probe.process.memory.write(probe.scratch, new Uint8Array(Uint32Array.of(NO_STATE).buffer));
    probe.ioctl(vcpu, 'KVM_GET_MP_STATE', probe.scratch);
    return probe.process.memory.read(probe.scratch, 4)?.[0] ?? NO_STATE;
  };
  /** A hypercall with these arguments in x0 and on. */
  const call = (...values: bigint[]): void => {
    guest.put(CODE, program('hvc'));
    values.forEach((value, n) => guest.set(`x${n}`, value));
  };
  const played = () => ({ ...guest.play(MOST_EXITS) });
  const setup = (): void => void guest.setup({ features: PSCI_0_2 });
  const asked =
    (call0: bigint): Case =>
    (record) => {
      setup();
      call(call0, argument(record, 'fn'));
      const out = played();
      return { ret: 0, errno: null, out: { ...out, x0_result: Number(BigInt.asIntN(64, guest.get('x0'))) } };
    };
  return {
    smccc: (record) => {
      const version = String(record.args.psci_feat);
      guest.setup({ features: version === '0.1' ? 0 : PSCI_0_2 });
      const chosen = VERSIONS[version];
      if (chosen !== undefined) guest.setRegister(NAMED_REGS.KVM_REG_ARM_PSCI_VERSION, chosen);
      call(argument(record, 'fn'));
      const out = played();
      return { ret: 0, errno: null, out: { ...out, mp_state: state(guest.vcpu) } };
    },
    PSCI_FEATURES: asked(PSCI_FEATURES),
    ARCH_FEATURES: asked(ARCH_FEATURES),
    psci2: (record) => {
      guest.setup({ features: PSCI_0_2, two: true, suspend: argument(record, 'system_suspend_cap') !== 0n });
      call(...['fn', 'x1', 'x2', 'x3'].map((name) => argument(record, name)));
      const out = played();
      const { second } = guest;
      const [mp0, mp1] = [state(guest.vcpu), state(second)];
      const before = { pc: guest.get('pc', second), x0: guest.get('x0', second) };
      const ran = probe.runImmediately(second);
      return {
        ret: 0,
        errno: null,
        out: {
          ...out,
          mp0,
          mp1,
          v1_pc_before_run: hex(before.pc),
          v1_x0_before_run: hex(before.x0),
          v1_immrun: errnoName(ran),
          v1_pc: hex(guest.get('pc', second)),
          v1_x0: hex(guest.get('x0', second)),
          v1_pstate: hex(guest.get('pstate', second)),
        },
      };
    },
    CPU_OFF: () => {
      setup();
      call(0x8400_0002n);
      const out = played();
      return { ret: 0, errno: null, out: { ...out, mp: state(guest.vcpu) } };
    },
    CPU_OFF_then_RUNNABLE: () => {
      const runnable = { mp_state: MP_STATES.KVM_MP_STATE_RUNNABLE };
      probe.call(guest.vcpu, 'KVM_SET_MP_STATE', kvm_mp_state, runnable);
      return { ret: 0, errno: null, out: played() };
    },
    SYSTEM_OFF_RESET: (record) => {
      setup();
      call(argument(record, 'fn'));
      const out = played();
      return { ret: 0, errno: null, out: { ...out, mp: state(guest.vcpu) } };
    },
    RUN_again_after_SYSTEM_EVENT: () => ({ ret: 0, errno: null, out: played() }),
  };
};
