/** What a script can name, taken from the tables of src/abi for arm64: constants, ioctls, structures, registers. */
import { CAPABILITIES } from '../../abi/capabilities.ts';
import { CONSTANTS } from '../../abi/constants.ts';
import { ERRNO } from '../../abi/errno.ts';
import { EXIT_REASONS } from '../../abi/exits.ts';
import { IOCTLS, ioctlExists, ioctlNumber } from '../../abi/ioctls.ts';
import type { IoctlRow } from '../../abi/ioctls.ts';
import { structLayout } from '../../abi/layout.ts';
import type { ArchType, Layout, Shown, StructDef, StructLayout } from '../../abi/layout.ts';
import { CORE_REGS, coreRegId, NAMED_REGS } from '../../abi/onereg.ts';
import { EFD_FLAGS, MADV_ADVICE, MAP_FLAGS, PROT_FLAGS, SIGNALS } from '../../abi/posix.ts';
import { PSCI_64BIT, PSCI_ALSO_64, PSCI_EVENT_FLAGS, PSCI_FN, PSCI_VERSIONS } from '../../abi/psci.ts';
import type { PsciFunction } from '../../abi/psci.ts';
import * as structs from '../../abi/structs.ts';

const ABI = 'arm64';

export interface ScriptConstant {
  readonly name: string;
  readonly value: number | bigint;
}

/** Scalars by name; arrays and structures as the prelude reads them. */
export type Shape =
  string | { readonly of: Shape; readonly count: number; readonly size: number } | { readonly struct: ScriptStruct };

export interface ScriptStruct {
  /** As in C; of a structure without a tag, the member that has it (`kvm_run.mmio`). */
  readonly name: string;
  readonly size: number;
  /** Members of anonymous structures and unions count as the enclosing structure's. */
  readonly members: readonly ScriptMember[];
}

export interface ScriptMember {
  readonly name: string;
  readonly offset: number;
  readonly type: Shape;
  readonly shown: Shown | undefined;
}

export interface ScriptRequest {
  readonly row: IoctlRow;
  readonly number: number;
  /** The structure that the argument points to; null where it is a number or not looked at. */
  readonly struct: ScriptStruct | null;
}

/** Function numbers of PSCI that a VMM meets in a hypercall exit, of SMC64 where there are both. */
const PSCI_FUNCTIONS = Object.fromEntries(
  (Object.keys(PSCI_FN) as PsciFunction[]).map((name) => [
    `PSCI_${name}`,
    PSCI_FN[name] + (PSCI_ALSO_64.includes(name) ? PSCI_64BIT : 0),
  ]),
);

const structCache = new Map<StructLayout, ScriptStruct>();

function scriptStruct(layout: StructLayout, name: string): ScriptStruct {
  let known = structCache.get(layout);
  if (!known) {
    known = { name, size: layout.size, members: membersOf(layout, name, 0) };
    structCache.set(layout, known);
  }
  return known;
}

function membersOf(layout: StructLayout, path: string, base: number): ScriptMember[] {
  return layout.fields.flatMap(({ field, offset, layout: inner }): ScriptMember[] => {
    if (field.name === '' && (inner.kind === 'struct' || inner.kind === 'union')) {
      return membersOf(inner, path, base + offset);
    }
    return [
      { name: field.name, offset: base + offset, type: shape(inner, `${path}.${field.name}`), shown: field.shown },
    ];
  });
}

function shape(layout: Layout, path: string): Shape {
  if (layout.kind === 'scalar') return layout.scalar;
  if (layout.kind === 'array') return { of: shape(layout.of, path), count: layout.count, size: layout.of.size };
  return { struct: scriptStruct(layout, layout.name === '' ? path : layout.name) };
}

function structOf(def: StructDef | ArchType): ScriptStruct {
  return scriptStruct(structLayout(def, ABI), def.name);
}

export const SCRIPT_REQUESTS: readonly ScriptRequest[] = IOCTLS.filter((row) => ioctlExists(row, ABI)).map((row) => ({
  row,
  number: ioctlNumber(row, ABI),
  struct: typeof row.arg === 'string' ? null : structOf(row.arg),
}));

/** kvm_run and every structure that an ioctl of arm64 takes, with those inside them. */
export const SCRIPT_STRUCTS: readonly ScriptStruct[] = collect([
  structOf(structs.kvm_run),
  ...SCRIPT_REQUESTS.flatMap(({ struct }) => struct ?? []),
]);

function collect(roots: readonly ScriptStruct[]): ScriptStruct[] {
  const found = new Map<string, ScriptStruct>();
  const visit = (type: Shape): void => {
    if (typeof type === 'string') return;
    if ('of' in type) visit(type.of);
    else if (!found.has(type.struct.name)) {
      found.set(type.struct.name, type.struct);
      for (const member of type.struct.members) visit(member.type);
    }
  };
  for (const struct of roots) visit({ struct });
  return [...found.values()];
}

export interface ConstantGroup {
  readonly title: string;
  readonly constants: readonly ScriptConstant[];
}

const group = (title: string, values: Readonly<Record<string, number | bigint>>): ConstantGroup => ({
  title,
  constants: Object.entries(values).map(([name, value]) => ({ name, value })),
});

/** All but the ioctl requests, which have a type of their own. */
export const SCRIPT_CONSTANTS: readonly ConstantGroup[] = [
  group('KVM', CONSTANTS),
  group('Capabilities of KVM_CHECK_EXTENSION', CAPABILITIES),
  group('kvm_run.exit_reason', EXIT_REASONS),
  group('Registers of KVM_GET_ONE_REG with a name of their own', NAMED_REGS),
  group('Error numbers', ERRNO),
  group('KVM_REG_ARM_PSCI_VERSION', PSCI_VERSIONS),
  group('kvm_run.system_event.data[0]', PSCI_EVENT_FLAGS),
  group('PSCI function ids', PSCI_FUNCTIONS),
  group('prot of mmap and mprotect', PROT_FLAGS),
  group('flags of mmap', MAP_FLAGS),
  group('advice of madvise', MADV_ADVICE),
  group('flags of eventfd', EFD_FLAGS),
  group('signals of pthread_kill', SIGNALS),
];

/** Ids for KVM_GET_ONE_REG and KVM_SET_ONE_REG by the register's name. */
export const SCRIPT_REGISTERS: ReadonlyMap<string, bigint> = new Map(
  CORE_REGS.map((reg): [string, bigint] => [reg.name, coreRegId(reg)]),
);

/** The guest program as the script gets it. */
export interface GuestImage {
  readonly bytes: Uint8Array;
  /** Address that the first byte was assembled for, and where to begin. */
  readonly origin: bigint;
  readonly entry: bigint;
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** What a script can name, as the prelude parses it. */
export function preludeData(pageSize: number, guest: GuestImage): string {
  const own = JSON.stringify({
    pageSize,
    guest: {
      origin: String(guest.origin),
      entry: String(guest.entry),
      symbols: Object.fromEntries([...guest.symbols].map(([name, at]) => [name, String(at)])),
    },
  });
  tables ??= JSON.stringify(tablesOfNames());
  return `${own.slice(0, -1)},${tables.slice(1)}`;
}

/** The same for every script. */
let tables: string | undefined;

function tablesOfNames(): object {
  const constants: Record<string, number> = {};
  const wideConstants: Record<string, string> = {};
  for (const { name, value } of SCRIPT_CONSTANTS.flatMap((each) => each.constants)) {
    if (typeof value === 'number') constants[name] = value;
    else wideConstants[name] = String(value);
  }
  for (const { row, number } of SCRIPT_REQUESTS) constants[row.name] = number;
  const requests: Record<number, object[]> = {};
  for (const { row, number, struct } of SCRIPT_REQUESTS) {
    (requests[number] ??= []).push(struct ? { name: row.name, struct: struct.name } : { name: row.name });
  }
  return {
    constants,
    wideConstants,
    registers: Object.fromEntries([...SCRIPT_REGISTERS].map(([name, id]) => [name, String(id)])),
    structs: Object.fromEntries(SCRIPT_STRUCTS.map((struct) => [struct.name, packed(struct)])),
    requests,
  };
}

function packed(struct: ScriptStruct): object {
  return {
    name: struct.name,
    size: struct.size,
    members: struct.members.map(({ name, offset, type }) => [name, offset, packedShape(type)]),
  };
}

/** A structure inside another is named; the prelude puts it in its place. */
function packedShape(type: Shape): unknown {
  if (typeof type === 'string') return type;
  if ('struct' in type) return { struct: type.struct.name };
  return { of: packedShape(type.of), count: type.count, size: type.size };
}
