import type { Stage2EventRow, Stage2Operation } from '../../session/messages.ts';
import { count, hex } from '../format.ts';
import { plural, shortSize } from './format.ts';

interface Term {
  readonly name: string;
  /** What it means, as a sentence. */
  readonly about: string;
}

/** What the operations are called, and what they are. */
export const TERMS: Readonly<Record<Stage2Operation, Term>> = {
  map: {
    name: 'map',
    about: 'A page or block where nothing was. An invalid entry is in no TLB, so no TLB maintenance is needed.',
  },
  table: {
    name: 'new table',
    about: 'An empty table of the next level where nothing was, on the way to a page.',
  },
  fill: {
    name: 'fill table',
    about:
      'A table that nothing points to yet gets a block’s mapping in smaller pieces. It takes the block’s place next.',
  },
  break: {
    name: 'break',
    about:
      'First step of break-before-make: a valid entry may not map otherwise, or become a table, at once, since TLBs could hold both. It becomes invalid; “locked” tells other CPUs to wait.',
  },
  make: {
    name: 'make',
    about: 'Last step of break-before-make: no TLB holds the old entry any more, the new one is written.',
  },
  unmap: { name: 'unmap', about: 'A page or block is taken out; the next access faults.' },
  unlink: {
    name: 'free table',
    about: 'A table whose last entry has gone is taken out, and its page goes back to the host.',
  },
  'write-protect': {
    name: 'write-protect',
    about:
      'Write permission is taken away, so that the next write is seen. The TLB is flushed once, after all entries.',
  },
  relax: {
    name: 'relax',
    about:
      'A permission is added after a permission fault. Other CPUs that still have the old entry fault and find the new one, so the TLB maintenance is local.',
  },
  'make-young': {
    name: 'make young',
    about: 'The Access flag is set after an Access flag fault: this CPU does not set it by itself.',
  },
  age: { name: 'age', about: 'The Access flag is cleared: the host wants to know whether the guest uses the page.' },
  flush: { name: 'TLB flush', about: 'TLB maintenance for all that was changed before.' },
  destroy: { name: 'destroy', about: 'All tables are freed.' },
};

const TLB_STEP: Term = {
  name: 'TLB',
  about: 'Second step of break-before-make: every TLB forgets the old entry before there is a new one.',
};

export const termOf = ({ operation, step }: Stage2EventRow): Term => (step === 2 ? TLB_STEP : TERMS[operation]);

/** Filters by what is done. */
export const FILTERS: readonly { readonly name: string; readonly operations: readonly Stage2Operation[] }[] = [
  { name: 'Map', operations: ['map', 'table', 'fill'] },
  { name: 'Break-before-make', operations: ['break', 'make'] },
  { name: 'Unmap', operations: ['unmap', 'unlink', 'destroy'] },
  { name: 'Permissions', operations: ['write-protect', 'relax'] },
  { name: 'Access flag', operations: ['age', 'make-young'] },
  { name: 'TLB', operations: ['break', 'flush'] },
];

/** `RW- → R--`, or the TLB instruction that counts. */
export function changeText({ was, is, step, steps, operation }: Stage2EventRow): string {
  if (step === 2 || operation === 'flush') {
    const instructions = steps.filter(({ text }) => text.startsWith('TLBI') && !text.startsWith('TLBI VMALLE1'));
    const [first] = instructions;
    return (first?.text.split(',')[0] ?? '') + (instructions.length > 1 ? ` × ${instructions.length}` : '');
  }
  return was === '' ? is : `${was} → ${is}`;
}

/** `translation fault at IPA 0x80001000`. */
export function reasonText({ reason, about }: Stage2EventRow): string {
  if (about === null) return reason;
  return reason.startsWith('host')
    ? `${reason}, from ${hex(about)} of the process on`
    : `${reason} at IPA ${hex(about)}`;
}

/** Where and when, for the row in full. */
export function placeText({ count: events, time, until, size, level, at, seq }: Stage2EventRow): string {
  const when =
    time === until ? `after ${count(time)} instructions` : `after ${count(time)} to ${count(until)} instructions`;
  return [
    events === 1 ? `event ${seq}` : `events ${seq} to ${seq + events - 1}`,
    when,
    shortSize(size),
    ...(level === null ? [] : [`level ${level}`]),
    ...(at === null ? [] : [`${events > 1 ? 'first descriptor' : 'descriptor'} at PA ${hex(at)}`]),
  ].join(', ');
}

export function countText(total: number, recorded: number, dropped: number): string {
  const kept = plural(recorded, 'event');
  return dropped > 0 ? `${kept}, the oldest ${count(dropped)} dropped` : total === 0 ? `none of ${kept}` : kept;
}
