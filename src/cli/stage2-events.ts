import type { Stage2EventRow, Status, View } from '../session/messages.ts';
import type { Ask } from './drive.ts';

const ROWS_AT_ONCE = 500;
const OPERATION_WIDTH = 14;
const CHANGE_WIDTH = 20;

/** What KVM did to the stage 2 tables of every VM there is, a line a row and below it the TLB maintenance. */
export function stage2EventLines(status: Status, ask: Ask): string[] {
  return status.vms.flatMap(({ fd }) => {
    const lines: string[] = [];
    let dropped = 0;
    for (let from = 0, total = 1; from < total; from += ROWS_AT_ONCE) {
      const view: View = ask({ view: 'stage2Events', vm: fd, from, count: ROWS_AT_ONCE });
      if (view.view !== 'stage2Events') return [];
      ({ total, dropped } = view);
      lines.push(...view.rows.flatMap(linesOf));
    }
    const head = `stage 2 of VM fd ${fd}${dropped > 0 ? `, without the oldest ${dropped} events` : ''}`;
    return [head, ...lines];
  });
}

function linesOf({ time, operation, step, ipa, size, count, level, was, is, reason, steps }: Stage2EventRow): string[] {
  const what = step === 2 ? '' : operation;
  const range = `0x${ipa.toString(16)}-0x${(ipa + size - 1n).toString(16)}`;
  const change = was === '' ? is : `${was} → ${is}`;
  const line = [
    `  ${String(time).padStart(10)}`,
    what.padEnd(OPERATION_WIDTH),
    change.padEnd(CHANGE_WIDTH),
    level === null ? '  ' : `L${level}`,
    range,
    ...(count > 1 ? [`× ${count}`] : []),
    `(${reason})`,
  ].join(' ');
  const maintenance = steps.flatMap(({ kind, text }) => (kind === 'tlb' ? [text] : [])).join('; ');
  return [...(step === 2 ? [] : [line]), ...(maintenance === '' ? [] : [`${' '.repeat(13)}${maintenance}`])];
}
