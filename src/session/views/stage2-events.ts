import type { Vm } from '../../kvm/vm.ts';
import { ACCESS_FLAG, LOCKED, S2AP_READ, S2AP_WRITE, XN_HIGH } from '../../kvm/stage2/attributes.ts';
import { MAINTENANCE, OPERATIONS, type Stage2Event, type Stage2Events } from '../../kvm/stage2/events.ts';
import { flushInstructions, type TlbiHost } from '../../kvm/stage2/tlbi.ts';
import { entryKind, type TableFormat } from '../../machine/translation/format.ts';
import type { Query, Stage2EventRow, Stage2EventStep, Stage2EventsView } from '../messages.ts';
import { hex } from './text.ts';

type Asked = Extract<Query, { readonly view: 'stage2Events' }>;

const TLB_STEP = -1;
const NOWHERE = 2 ** 53;

/** The events of a VM's stage 2, as rows. */
export function stage2EventsView(vm: Vm, asked: Asked): Stage2EventsView {
  const { events } = vm.stage2;
  const rows = rowsOf(events, asked);
  const total = rows.length / 2;
  const from = asked.from === 'end' ? Math.max(0, total - asked.count) : Math.min(asked.from, total);
  const shown: Stage2EventRow[] = [];
  for (let row = from; row < Math.min(total, from + asked.count); row++) {
    const first = events.at(rows[2 * row]!);
    if (first) shown.push(rowOf(vm, first, rows[2 * row + 1]!));
  }
  return { view: 'stage2Events', total, from, rows: shown, recorded: events.count, dropped: events.dropped };
}

/** The first event of each row, and how many are in it; TLB_STEP for the maintenance between the steps of break-before-make. */
function rowsOf(events: Stage2Events, { operations, range }: Asked): Float64Array {
  const wanted = operations ?? OPERATIONS;
  const mask = wanted.reduce((bits, operation) => bits | (1 << OPERATIONS.indexOf(operation)), 0);
  const [start, end] = range ? [Number(range.start), Number(range.end)] : [0, NOWHERE];
  const rows = new Float64Array(4 * (events.count - events.dropped));
  let used = 0;
  for (let seq = events.dropped; seq < events.count; seq++) {
    if (!events.matches(seq, mask, start, end)) continue;
    if (used > 0 && rows[used - 1]! > 0 && events.continues(seq, rows[used - 2]! + rows[used - 1]! - 1)) {
      rows[used - 1]!++;
      continue;
    }
    rows[used++] = seq;
    rows[used++] = 1;
    if (!events.isBreak(seq)) continue;
    rows[used++] = seq;
    rows[used++] = TLB_STEP;
  }
  return rows.subarray(0, used);
}

function rowOf(vm: Vm, event: Stage2Event, count: number): Stage2EventRow {
  const { stage2 } = vm;
  const { format } = stage2.table.tables;
  const { operation, level, at, before, after } = event;
  const tlb = count === TLB_STEP;
  const last = count > 1 ? (stage2.events.at(event.seq + count - 1) ?? event) : event;
  const writes = !tlb && at >= 0 && operation !== 'destroy';
  const address = (value: number) => (value < 0 ? null : BigInt(value));
  return {
    seq: event.seq,
    count: Math.max(1, count),
    time: BigInt(event.time),
    until: BigInt(last.time),
    step: tlb ? 2 : operation === 'break' ? 1 : operation === 'make' ? 3 : 0,
    operation,
    reason: event.reason,
    about: address(event.about),
    ipa: BigInt(event.ipa),
    size: BigInt(event.size) * BigInt(Math.max(1, count)),
    level: level < -1 || operation === 'flush' ? null : level,
    at: address(at),
    before: writes ? before : null,
    after: writes ? after : null,
    was: writes && operation !== 'fill' ? entryText(format, level, before) : '',
    is: writes ? entryText(format, level, after) : '',
    steps: stepsOf(vm, event, tlb),
  };
}

/** Permissions of a leaf, or what an entry is otherwise. */
function entryText(format: TableFormat, level: number, value: bigint): string {
  const low = Number(value & 0xffff_ffffn);
  const high = Number(value >> 32n);
  const kind = entryKind(format, level, low);
  if (kind === 'invalid') return value === BigInt(LOCKED) ? 'locked' : value === 0n ? '–' : 'invalid';
  if (kind !== 'block' && kind !== 'page') return kind;
  const may = (allowed: boolean, letter: string) => (allowed ? letter : '-');
  const permissions =
    may((low & S2AP_READ) !== 0, 'R') + may((low & S2AP_WRITE) !== 0, 'W') + may((high & XN_HIGH) === 0, 'X');
  return (low & ACCESS_FLAG) === 0 ? `${permissions} old` : permissions;
}

function tlbiHost({ kvm, stage2 }: Vm): TlbiHost {
  const { granule, features } = kvm;
  return {
    granule,
    callsHypervisor: kvm.host.mode !== 'vhe',
    tlbLevel: features.tlbLevel,
    lpa2: features.lpa2,
    part: stage2.part,
  };
}

/** What the kernel did for one event, in its order. */
function stepsOf(vm: Vm, event: Stage2Event, tlb: boolean): Stage2EventStep[] {
  const { operation, at, before, after, maintenance } = event;
  const flush = flushInstructions(tlbiHost(vm), event).map((text) => ({ kind: 'tlb', text }) as const);
  if (tlb || operation === 'flush') return flush;
  if (operation === 'destroy') {
    return [{ kind: 'write', text: `frees the tables from ${hex(at)} on; the VMID is not used again soon` }];
  }
  const has = (bit: number) => (maintenance & bit) !== 0;
  const write = (from: bigint, to: bigint, why = ''): Stage2EventStep => ({
    kind: 'write',
    text: `[${hex(at)}] ${hex(from)} → ${hex(to)}${why}`,
  });
  const clean: Stage2EventStep[] = has(MAINTENANCE.cleanData)
    ? [{ kind: 'cache', text: 'DC CIVAC over what it maps: data caches cleaned to the point of coherency' }]
    : [];
  const caches: Stage2EventStep[] = has(MAINTENANCE.invalidateInstructions)
    ? [
        ...clean,
        { kind: 'cache', text: 'IC over what it maps: instruction caches invalidated to the point of unification' },
      ]
    : clean;
  const barrier: Stage2EventStep[] = has(MAINTENANCE.barrier) ? [{ kind: 'barrier', text: 'DSB ISHST' }] : [];
  const locked = BigInt(LOCKED);
  switch (operation) {
    case 'map':
    case 'table':
      return [write(before, locked, ' (locked)'), ...caches, write(locked, after), ...barrier];
    case 'break':
      return [write(before, after, ' (locked)')];
    case 'fill':
      return [
        { kind: 'write', text: `fills the table at ${hex(at)}, which nothing points to yet, from ${hex(after)} on` },
      ];
    case 'unmap':
    case 'unlink':
      return [write(before, after), ...flush, ...caches];
    default:
      return [...caches, write(before, after), ...flush, ...barrier];
  }
}
