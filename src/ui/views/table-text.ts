import type { ContiguousEntries, TableEntry, TableNode, TableRow } from '../../session/messages.ts';
import { hex, size } from '../format.ts';
import { plural, rangeText } from './format.ts';

/** `L2[17]` for an entry, `L2[18–511]` for merged ones, `L1 table` for a root. */
export function rowName({ entry, level }: TableRow): string {
  if (!entry) return `L${level} table`;
  const last = entry.index + entry.count - 1;
  return last > entry.index ? `L${level}[${entry.index}–${last}]` : `L${level}[${entry.index}]`;
}

export function tableText(table: TableNode): string {
  const range = rangeText(table.inputBase, table.inputSize);
  return `Level ${table.level} table for ${range} (${size(table.inputSize)}): ${validText(table)}.`;
}

export function validText({ valid, total }: TableNode): string {
  return `${valid} of ${total} valid`;
}

/** An entry in a sentence. */
export function entryText(entry: TableEntry, child: TableNode | null): string {
  const range = `${rangeText(entry.inputBase, entry.inputSize)} (${size(entry.inputSize)})`;
  if (entry.count > 1 && entry.output !== null) {
    return `${plural(entry.count, entry.kind)} that map ${range} to ${rangeText(entry.output, entry.inputSize)}; below is the first.`;
  }
  if (entry.count > 1) return `${plural(entry.count, 'entry', 'entries')} without a translation for ${range}.`;
  if (entry.kind === 'invalid') return `No translation for ${range}.`;
  if (entry.kind === 'reserved') return `A reserved encoding for ${range}: the walk faults here.`;
  const to = entry.output === null ? '' : ` to ${hex(entry.output)}`;
  if (entry.kind === 'table') return `Points${to}, the table for ${range}${child ? `: ${validText(child)}` : ''}.`;
  return `Maps ${range}${to}.`;
}

/** What the contiguous bit makes of an entry or of merged ones, in a sentence. */
export function contiguousText(entry: TableEntry, { runs, count, size: bytes, wrong }: ContiguousEntries): string {
  if (wrong !== null)
    return `The contiguous bit is misprogrammed: ${wrong}. It is CONSTRAINED UNPREDICTABLE which entry a TLB takes; here each counts for itself.`;
  const one = `${count} entries of which a TLB may make one of ${size(bytes)}`;
  if (runs > 1) return `Contiguous: ${runs} runs of ${one}.`;
  return `Contiguous: ${entry.count < count ? 'of ' : ''}${one}.`;
}
