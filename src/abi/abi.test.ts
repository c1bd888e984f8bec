import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from './capabilities.ts';
import { CONSTANTS } from './constants.ts';
import { decodeStruct } from './decode.ts';
import { ERRNO, errnoName } from './errno.ts';
import { EXITS, exitByReason } from './exits.ts';
import { IOCTLS, ioctlByName, ioctlByNumber, ioctlExists, ioctlNumber } from './ioctls.ts';
import { ABIS, findField, structLayout } from './layout.ts';
import type { Abi, ArchType, Layout, StructDef } from './layout.ts';
import { CORE_REGS, NAMED_REGS, coreRegId, decodeOneReg, oneRegText, sysregId } from './onereg.ts';
import * as structs from './structs.ts';
import { LayoutError, StructView, readStruct, writeStruct } from './values.ts';

const ABI_NAMES = Object.keys(ABIS) as Abi[];
const ALL: readonly (StructDef | ArchType)[] = Object.values(structs);

/** scripts/abi-vectors.js: what gcc says of the headers of Linux 6.12. */
interface Recorded {
  structs: Record<string, { size: number; align: number; members: Record<string, number> }>;
  ioctls: Record<string, number>;
  constants: Record<string, number>;
  regs?: Record<string, string>;
  core?: Record<string, number>;
}
const vector = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./vectors/${name}.json`, import.meta.url), 'utf8')) as T;

function named(name: string, abi: Abi): StructDef | ArchType {
  const own = Object.entries(structs).find(([key]) => key === name || key === `${name}_${ABIS[abi].arch}`);
  if (!own) throw new Error(`no struct ${name}`);
  return own[1];
}

describe.each(ABI_NAMES)('the compiler for %s agrees', (abi) => {
  const recorded = vector<Recorded>(abi);

  it('on size, alignment and the offset of every member', () => {
    expect(Object.keys(recorded.structs).length).toBeGreaterThan(40);
    for (const [name, { size, align, members }] of Object.entries(recorded.structs)) {
      const def = named(name, abi);
      const layout = structLayout(def, abi);
      expect({ name, size: layout.size, align: layout.align }).toEqual({ name, size, align });
      for (const [path, offset] of Object.entries(members)) {
        expect([name, path, findField(def, abi, path)?.offset]).toEqual([name, path, offset]);
      }
    }
  });

  it('on the number of every ioctl', () => {
    const ours = IOCTLS.filter((ioctl) => ioctlExists(ioctl, abi)).map((ioctl) => [
      ioctl.name,
      ioctlNumber(ioctl, abi),
    ]);
    expect(Object.fromEntries(ours)).toEqual(recorded.ioctls);
  });

  it('on every constant that its header defines', () => {
    const ours: Record<string, number> = {
      ...CONSTANTS,
      ...CAPABILITIES,
      ...ERRNO,
      ...Object.fromEntries(EXITS.map(({ name, nr }) => [name, nr])),
    };
    expect(Object.keys(recorded.constants).length).toBeGreaterThan(400);
    for (const [name, value] of Object.entries(recorded.constants)) expect([name, ours[name]]).toEqual([name, value]);
  });
});

it('every constant is defined by the header of some architecture', () => {
  const defined = new Set(ABI_NAMES.flatMap((abi) => Object.keys(vector<Recorded>(abi).constants)));
  for (const name of [...Object.keys(CONSTANTS), ...Object.keys(CAPABILITIES), ...EXITS.map((exit) => exit.name)]) {
    expect(defined).toContain(name);
  }
});

it('ids of arm64 registers are those of the header', () => {
  const { regs = {}, core = {} } = vector<Recorded>('arm64');
  expect(Object.fromEntries(Object.entries(NAMED_REGS).map(([name, id]) => [name, `0x${id.toString(16)}`]))).toEqual(
    regs,
  );
  expect(Object.fromEntries(CORE_REGS.map(({ name, offset }) => [name, offset]))).toEqual(core);
});

/** A probe that ran on the e500 host (the oracle's e500/results/abi*.jsonl). */
describe('the e500 probe agrees', () => {
  type Row =
    | { kind: 'sizeof'; type: string; size: number; align: number }
    | { kind: 'offsets'; type: string; off: Record<string, number> }
    | { kind: 'ioctl'; name: string; value: string }
    | { kind: 'consts'; run_off_exit_reason: number; run_off_mmio: number; run_off_immediate_exit: number }
    | { kind?: undefined; arch: string; [name: string]: unknown };
  const rows = vector<Row[]>('e500-probe');

  it('on ppc32', () => {
    for (const row of rows) {
      if (row.kind === 'sizeof') {
        const { size, align } = structLayout(named(row.type.replace('struct ', ''), 'ppc32'), 'ppc32');
        expect([row.type, size, align]).toEqual([row.type, row.size, row.align]);
      } else if (row.kind === 'offsets') {
        for (const [path, offset] of Object.entries(row.off)) {
          expect([path, findField(named(row.type, 'ppc32'), 'ppc32', path)?.offset]).toEqual([path, offset]);
        }
      } else if (row.kind === 'ioctl') {
        const ioctl = ioctlByName(row.name);
        if (ioctl) expect([row.name, ioctlNumber(ioctl, 'ppc32')]).toEqual([row.name, Number(row.value)]);
      } else if (row.kind === 'consts') {
        const at = (path: string) => findField(structs.kvm_run, 'ppc32', path)?.offset;
        expect([at('exit_reason'), at('mmio'), at('immediate_exit')]).toEqual([
          row.run_off_exit_reason,
          row.run_off_mmio,
          row.run_off_immediate_exit,
        ]);
      }
    }
  });

  it('on x86, where the ioctls of powerpc are only numbers', () => {
    const abis: Record<string, Abi> = { x86_64: 'x86-64', i386: 'i386' };
    const other = rows.filter((row) => row.kind === undefined);
    expect(other).toHaveLength(2);
    for (const row of other) {
      const abi = abis[String('arch' in row ? row.arch : '')]!;
      const facts = row as unknown as Record<string, string | number>;
      expect(structLayout(structs.kvm_dirty_tlb, abi).size).toBe(facts['sizeof_kvm_dirty_tlb']);
      expect(structLayout(structs.kvm_config_tlb, abi).size).toBe(facts['sizeof_kvm_config_tlb']);
      for (const name of ['KVM_DIRTY_TLB', 'KVM_ENABLE_CAP', 'KVM_TRANSLATE', 'KVM_RUN']) {
        expect([name, ioctlNumber(ioctlByName(name)!, abi)]).toEqual([name, Number(facts[name])]);
      }
    }
  });
});

/* ---------------------------------------------------------------- laws */

function arbitraryValue(layout: Layout): fc.Arbitrary<unknown> {
  if (layout.kind === 'scalar') {
    const bits = 8 * layout.size;
    const signed = layout.scalar.startsWith('s');
    const wide = layout.size === 8 || layout.size === 16 || ['ulong', 'pointer'].includes(layout.scalar);
    const value = signed
      ? fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n })
      : fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
    return wide ? value : value.map(Number);
  }
  if (layout.kind === 'array') {
    const { of, count } = layout;
    if (of.kind === 'scalar' && of.size === 1) return fc.uint8Array({ minLength: count, maxLength: count });
    return fc.array(arbitraryValue(of), { minLength: count, maxLength: count });
  }
  const members = layout.fields.map(({ field, layout: inner }) => [field.name, arbitraryValue(inner)] as const);
  if (layout.kind === 'union') {
    return fc.oneof(...members.map(([name, value]) => value.map((of) => (name === '' ? of : { [name]: of }))));
  }
  return fc
    .tuple(...members.map(([name, value]) => value.map((of) => (name === '' ? of : { [name]: of }))))
    .map((parts) => Object.assign({}, ...parts) as object);
}

describe.each(ABI_NAMES)('on %s', (abi) => {
  it('what is written to a structure is what is read from it', () => {
    for (const def of ALL) {
      const layout = structLayout(def, abi);
      fc.assert(
        fc.property(arbitraryValue(layout), (value) => {
          const bytes = writeStruct(def, abi, value as object);
          expect(bytes).toHaveLength(layout.size);
          expect(readStruct(def, abi, bytes)).toMatchObject(value as object);
        }),
        { numRuns: 10 },
      );
    }
  });

  it('bytes read as a value and written again are the same bytes, but for padding and the shorter variants', () => {
    const whole = [structs.kvm_userspace_memory_region, structs.kvm_enable_cap, structs.kvm_msi, structs.kvm_ioeventfd];
    for (const def of whole) {
      const { size } = structLayout(def, abi);
      fc.assert(
        fc.property(fc.uint8Array({ minLength: size, maxLength: size }), (bytes) => {
          const padded = def === structs.kvm_ioeventfd ? findField(def, abi, 'pad')!.offset + 36 : size;
          const again = writeStruct(def, abi, readStruct(def, abi, bytes));
          expect(again.subarray(0, padded)).toEqual(bytes.subarray(0, padded));
        }),
      );
    }
  });

  it('decodes any bytes without failing, and only members that lie in them', () => {
    for (const def of ALL) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: structLayout(def, abi).size + 40 }), (bytes) => {
          for (const { offset, size, text } of decodeStruct(def, abi, bytes).fields) {
            expect(offset + size).toBeLessThanOrEqual(bytes.length);
            expect(text).not.toBe('');
          }
        }),
        { numRuns: 10 },
      );
    }
  });

  it('an ioctl is found by its number on the descriptor that takes it', () => {
    for (const ioctl of IOCTLS.filter((row) => ioctlExists(row, abi))) {
      for (const on of ioctl.on) expect(ioctlByNumber(abi, ioctlNumber(ioctl, abi), on)?.name).toBe(ioctl.name);
    }
    expect(ioctlByNumber(abi, 0xdeadbeef)).toBeNull();
  });
});

it('byte order is the ABI’s', () => {
  const value = { slot: 1, guest_phys_addr: 0x1122334455667788n };
  const little = writeStruct(structs.kvm_userspace_memory_region, 'arm64', value);
  const big = writeStruct(structs.kvm_userspace_memory_region, 'ppc64', value);
  expect([...little.subarray(0, 4), little[8]]).toEqual([1, 0, 0, 0, 0x88]);
  expect([...big.subarray(0, 4), big[8]]).toEqual([0, 0, 0, 1, 0x11]);
});

/* ---------------------------------------------------------------- writing and viewing */

it('a value that does not fit, or a member that is not there, is refused by name', () => {
  const write = (value: object) => () => writeStruct(structs.kvm_run as StructDef, 'arm64', value);
  expect(write({ exit_reason: 2 ** 32 })).toThrow(new LayoutError('exit_reason: 0x100000000 does not fit u32'));
  expect(write({ mmio: { phys: 1 } })).toThrow('mmio.phys: there is no such member');
  expect(write({ mmio: { data: new Uint8Array(9) } })).toThrow('mmio.data: 9 elements, there is room for 8');
  expect(write({ cr8: 0.5 })).toThrow('no exact integer');
  expect(() => writeStruct(structs.kvm_msi, 'arm64', {}, new Uint8Array(3))).toThrow('32 bytes');
});

it('a view reads and writes single members in place, through anonymous unions', () => {
  const bytes = new Uint8Array(structLayout(structs.kvm_run, 'arm64').size);
  const run = new StructView(structs.kvm_run, 'arm64', bytes);
  run.set('mmio.phys_addr', 0x9000000n);
  run.set('mmio.data', [0x48]);
  expect(run.get('mmio.phys_addr')).toBe(0x9000000n);
  expect(run.get('system_event.type')).toBe(0x9000000n);
  expect(run.part('mmio.data')[0]).toBe(0x48);
  expect(bytes[40]).toBe(0x48);
  expect(() => run.get('nonsense')).toThrow(LayoutError);
});

/* ---------------------------------------------------------------- decoding */

const texts = (def: StructDef | ArchType, value: object): Record<string, string> =>
  Object.fromEntries(
    decodeStruct(def, 'arm64', writeStruct(def, 'arm64', value)).fields.map(({ name, text }) => [name, text]),
  );

it('a memory region is decoded as an engineer would write it', () => {
  expect(
    texts(structs.kvm_userspace_memory_region, {
      slot: 0,
      flags: 3,
      guest_phys_addr: 0x40000000,
      memory_size: 0x200000,
      userspace_addr: 0xffff80000000n,
    }),
  ).toEqual({
    slot: '0',
    flags: 'KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY',
    guest_phys_addr: '0x40000000',
    memory_size: '0x200000 (2 MiB)',
    userspace_addr: '0xffff80000000',
  });
});

it('of kvm_run the member of the exit reason is decoded, and no other', () => {
  const mmio = { phys_addr: 0x9000000, data: [0x48], len: 1, is_write: 1 };
  const fields = texts(structs.kvm_run as StructDef, { exit_reason: 6, mmio });
  expect(fields).toMatchObject({
    exit_reason: 'KVM_EXIT_MMIO',
    'mmio.phys_addr': '0x9000000',
    'mmio.data': '48 00 00 00 00 00 00 00',
    'mmio.len': '1',
    'mmio.is_write': '1',
  });
  expect(Object.keys(fields).filter((name) => /^(hw|internal|system_event|padding)/.test(name))).toEqual([]);
  expect(texts(structs.kvm_run as StructDef, { exit_reason: 24, system_event: { type: 1, ndata: 1 } })).toMatchObject({
    exit_reason: 'KVM_EXIT_SYSTEM_EVENT',
    'system_event.type': 'KVM_SYSTEM_EVENT_SHUTDOWN',
    'system_event.data': '[0x0, …]',
  });
  expect(Object.keys(texts(structs.kvm_run as StructDef, { exit_reason: 5 }))).not.toContain('hw.hardware_exit_reason');
});

it('flags over several words, register ids and capabilities are named', () => {
  expect(texts(structs.kvm_vcpu_init, { target: 5, features: [0b101, 1] })).toEqual({
    target: 'KVM_ARM_TARGET_GENERIC_V8',
    features: 'KVM_ARM_VCPU_POWER_OFF | KVM_ARM_VCPU_PSCI_0_2 | 0x100000000',
  });
  expect(texts(structs.kvm_one_reg, { id: coreRegId(CORE_REGS[32]!) })['id']).toBe('pc');
  expect(texts(structs.kvm_enable_cap, { cap: 168 })).toMatchObject({ cap: 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2' });
  expect(texts(structs.kvm_device_attr, { group: 0x12 })['group']).toBe('0x12');
});

it('a flexible tail decodes as far as the bytes go', () => {
  const bytes = new Uint8Array(24);
  bytes[0] = 2;
  new DataView(bytes.buffer).setBigUint64(8, coreRegId(CORE_REGS[0]!), true);
  expect(decodeStruct(structs.kvm_reg_list, 'arm64', bytes).fields[1]).toMatchObject({
    name: 'reg',
    size: 16,
    text: '[x0, …]',
  });
});

it('register ids name their class and encoding', () => {
  const id = sysregId({ op0: 3, op1: 0, crn: 1, crm: 0, op2: 0 });
  expect(decodeOneReg(id)).toMatchObject({ size: 8, class: 'sysreg', sysreg: { op0: 3, crn: 1 } });
  expect(oneRegText(id)).toBe('ARM64_SYS_REG(3, 0, 1, 0, 0)');
  expect(decodeOneReg(id ^ (1n << 40n))).toBeNull();
  expect(decodeOneReg(0x1030000000000001n)).toBeNull();
});

it('errno and exits have names for their numbers', () => {
  expect(errnoName(22)).toBe('EINVAL');
  expect(errnoName(9999)).toBeNull();
  for (const exit of EXITS) expect(exitByReason(exit.nr)).toBe(exit);
  expect(exitByReason(1000)).toBeNull();
});
