import { CAPABILITIES } from '../abi/capabilities.ts';
import { decodeStruct } from '../abi/decode.ts';
import { exitByReason } from '../abi/exits.ts';
import type { IoctlRow } from '../abi/ioctls.ts';
import { oneRegScope, oneRegSize, oneRegText } from '../abi/onereg.ts';
import { PSCI_EVENT_FLAGS } from '../abi/psci.ts';
import { kvm_enable_cap, kvm_one_reg, kvm_reg_list, kvm_run } from '../abi/structs.ts';
import { StructView } from '../abi/values.ts';
import type { IoctlCall } from '../host/host.ts';
import { whyAbsent } from '../kvm/capabilities.ts';
import { KVM_CAP_ARM_REG_SCOPE } from '../kvm/proposals/regscope.ts';
import type { IoctlResult } from '../kvm/refusal.ts';
import type { DecodedStruct, Explanation, IoctlEntry } from './messages.ts';

const ABI = 'arm64';

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** What the integer argument of an ioctl says; the others are plain numbers. */
const ARGUMENTS: Readonly<Record<string, (arg: bigint) => string>> = {
  // Bits 7:0 are the size; others are of no type that arm64 has.
  KVM_CREATE_VM: (arg) => (arg === 0n ? '0 (40 bits of IPA)' : arg <= 0xffn ? `${arg} (bits of IPA)` : hex(arg)),
  KVM_CREATE_VCPU: (arg) => `vCPU ${arg}`,
  KVM_CHECK_EXTENSION: (arg) => capabilityText(arg),
};

/** A capability's name; of the number that a proposal for arm64 took, and powerpc has got since, both. */
function capabilityText(number: bigint): string {
  const name = Object.entries(CAPABILITIES).find(([, value]) => BigInt(value) === number)?.[0] ?? `${number}`;
  return number === BigInt(KVM_CAP_ARM_REG_SCOPE) ? `KVM_CAP_ARM_REG_SCOPE as proposed (${name} in Linux)` : name;
}

function withProposed(struct: DecodedStruct | null, bytes: Uint8Array | null): DecodedStruct | null {
  if (!struct || !bytes) return struct;
  const cap = BigInt(new StructView(kvm_enable_cap, ABI, bytes).get('cap'));
  const fields = struct.fields.map((field) => (field.name === 'cap' ? { ...field, text: capabilityText(cap) } : field));
  return { ...struct, fields };
}

function argumentText(row: IoctlRow | null, arg: bigint): string {
  if (!row) return hex(arg);
  if (row.arg === 'none') return arg === 0n ? '' : hex(arg);
  if (row.arg === 'value') return ARGUMENTS[row.name]?.(arg) ?? (arg < 1024n ? `${arg}` : hex(arg));
  return `${hex(arg)} (struct ${row.arg.name})`;
}

function decoded(row: IoctlRow | null, bytes: Uint8Array | null): DecodedStruct | null {
  if (!row || typeof row.arg === 'string' || !bytes) return null;
  return decodeStruct(row.arg, ABI, bytes);
}

/** Bytes of the calling process; null where it has none. */
type Read = (address: bigint, length: number) => Uint8Array | null;

/** An SVE register of 2048 bits; an id can say more. */
const LARGEST_REGISTER = 256;

/** kvm_one_reg only points at the register's value, and that is what one wants to see: `0xfffff7fad040 → 0x40000000`. */
function withRegister(struct: DecodedStruct | null, bytes: Uint8Array | null, read: Read): DecodedStruct | null {
  if (!struct || !bytes) return struct;
  const view = new StructView(kvm_one_reg, ABI, bytes);
  const size = oneRegSize(view.get('id'));
  const value = size > LARGEST_REGISTER ? null : read(view.get('addr'), size);
  if (!value) return struct;
  const text = hex(value.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n));
  return {
    ...struct,
    fields: struct.fields.map((field) =>
      field.name === 'addr' ? { ...field, text: `${field.text} → ${text}` } : field,
    ),
  };
}

/** More ids than any vCPU has registers. */
const MOST_IDS = 4096;

/** The list that the structure's length says: how many ids there are, and those that have a scope in them, by name. */
function withScopes(struct: DecodedStruct | null, bytes: Uint8Array | null, at: bigint, read: Read) {
  if (!struct || !bytes) return struct;
  const count = Number(new StructView(kvm_reg_list, ABI, bytes).get('n'));
  const list = count > MOST_IDS ? null : read(at + 8n, 8 * count);
  if (!list) return struct;
  const ids = [...new BigUint64Array(list.slice().buffer)];
  const scoped = ids.flatMap((id, index) => (oneRegScope(id) === 0 ? [] : [{ id, index }]));
  if (scoped.length === 0) return struct;
  const fields = scoped.map(({ id, index }) => ({
    name: `reg[${index}]`,
    offset: 8 + 8 * index,
    size: 8,
    text: `${oneRegText(id)} (${hex(id)})`,
  }));
  return { ...struct, fields: [...struct.fields, ...fields] };
}

function shownArgument(row: IoctlRow | null, passed: DecodedStruct | null, bytes: Uint8Array | null, read: Read) {
  if (row?.name === 'KVM_SET_ONE_REG') return withRegister(passed, bytes, read);
  return row?.name === 'KVM_ENABLE_CAP' ? withProposed(passed, bytes) : passed;
}

/** The entry of a call that begins. */
export function entryOf(
  call: IoctlCall,
  seq: number,
  scriptLine: number | null,
  instructions: bigint,
  read: Read,
): IoctlEntry {
  const { row, bytesBefore } = call;
  const passed = row?.dir === 'read' ? null : decoded(row, bytesBefore);
  return {
    seq,
    fd: call.fd,
    fdKind: call.kind,
    name: row?.name ?? null,
    request: call.request,
    arg: call.arg,
    argText: argumentText(row, call.arg),
    argStruct: shownArgument(row, passed, bytesBefore, read),
    result: null,
    scriptLine,
    instructions,
  };
}

/** The entry once the call has returned. `run`: the vCPU's kvm_run, for KVM_RUN. */
export function finishedEntry(
  entry: IoctlEntry,
  call: IoctlCall,
  result: IoctlResult,
  bytesAfter: Uint8Array | null,
  run: Uint8Array | null,
  read: Read,
): IoctlEntry {
  const refused = 'errno' in result;
  const explanation: Explanation | null = refused
    ? { rule: result.rule, message: result.message, kernel: result.kernel }
    : absence(call, result.ret);
  const written = call.row?.dir === 'read' || call.row?.dir === 'read-write';
  const got = !refused && call.row?.name === 'KVM_GET_ONE_REG';
  const out = written && !refused ? decoded(call.row, bytesAfter) : null;
  return {
    ...entry,
    argStruct: got ? withRegister(entry.argStruct, call.bytesBefore, read) : entry.argStruct,
    result: {
      ret: refused ? -1 : result.ret,
      errno: refused ? result.errno : null,
      explanation,
      outStruct: call.row?.name === 'KVM_GET_REG_LIST' ? withScopes(out, bytesAfter, call.arg, read) : out,
      exitText: run && !refused ? exitText(run) : null,
    },
  };
}

/** KVM_CHECK_EXTENSION's 0 is no refusal, and there may be something to say of it. */
function absence({ row, arg }: IoctlCall, ret: number): Explanation | null {
  const message = row?.name === 'KVM_CHECK_EXTENSION' && ret === 0 ? whyAbsent(arg) : null;
  return message === null ? null : { rule: 'capability.absent', message, kernel: 'kvm_vm_ioctl_check_extension' };
}

/** Why KVM_RUN came back, as one line: `KVM_EXIT_MMIO write 4 bytes at 0x9000000: 0x48`. */
export function exitText(run: Uint8Array): string {
  const view = new StructView(kvm_run, ABI, run);
  const reason = Number(view.get('exit_reason'));
  const exit = exitByReason(reason);
  if (!exit) return `exit reason ${reason}`;
  const special = EXIT_TEXTS[exit.name];
  if (special) return `${exit.name} ${special(view)}`;
  if (exit.member === null) return exit.name;
  const prefix = `${exit.member}.`;
  const members = decodeStruct(kvm_run, ABI, run).fields.filter((field) => field.name.startsWith(prefix));
  const texts = members.map((field) => `${field.name.slice(prefix.length)}=${field.text}`);
  return [exit.name, ...texts].join(' ');
}

const EXIT_TEXTS: Readonly<Record<string, (view: StructView) => string>> = {
  KVM_EXIT_MMIO: (view) => {
    const length = Math.min(8, Number(view.get('mmio.len')));
    const data = view.part('mmio.data').subarray(0, length);
    const value = data.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
    const bytes = `${length} ${length === 1 ? 'byte' : 'bytes'} at ${hex(view.get('mmio.phys_addr'))}`;
    return view.get('mmio.is_write') === 0n ? `read ${bytes}` : `write ${bytes}: ${hex(value)}`;
  },
  KVM_EXIT_SYSTEM_EVENT: (view) => {
    const fields = decodeStruct(kvm_run, ABI, view.bytes).fields;
    const type = fields.find((field) => field.name === 'system_event.type')?.text ?? hex(view.get('system_event.type'));
    if (view.get('system_event.ndata') === 0n || view.get('system_event.data[0]') === 0n) return type;
    const flags = view.get('system_event.data[0]');
    const flag = Object.entries(PSCI_EVENT_FLAGS).find(
      ([name, value]) => name.startsWith(`${type}_FLAG`) && BigInt(value) === flags,
    );
    return `${type} data[0]=${flag?.[0] ?? hex(flags)}`;
  },
};
