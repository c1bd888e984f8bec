import type { ComponentType, ReactNode } from 'react';
import type { TablesOwner } from '../../session/messages.ts';
import { useView } from '../sandbox-client.ts';
import { copyText } from './clipboard.ts';
import { plural, sentence } from './format.ts';
import { Frame, Waiting } from './frame.tsx';
import { OVERSCAN, useRows } from './use-rows.ts';
import './table-dump.css';

const ROW_HEIGHT = 18;
const heightFor = () => ROW_HEIGHT;

interface TableDumpProps {
  readonly owner: TablesOwner;
  readonly controls: ReactNode;
  readonly none: ComponentType<{ stage: 1 | 2; why: string }>;
}

/** The tables as lines of text; those out of sight are not in the document. */
export function TableDump({ owner, controls, none: None }: TableDumpProps) {
  const view = useView({ view: 'dump', ...owner });
  const lines = view?.view === 'dump' ? view.lines : [];
  return (
    <Frame
      name="tables"
      bar={
        <>
          {controls}
          <button
            type="button"
            className="view-button"
            disabled={lines.length === 0}
            onClick={() => void copyText(lines.join('\n'), plural(lines.length, 'line'))}
          >
            Copy
          </button>
        </>
      }
    >
      {view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <None stage={owner.stage} why={sentence(view.why)} />
      ) : (
        <Lines lines={lines} cut={view.cut} stage={owner.stage} />
      )}
    </Frame>
  );
}

function Lines({ lines, cut, stage }: { lines: readonly string[]; cut: boolean; stage: 1 | 2 }) {
  const { attach, first, visible } = useRows(heightFor);
  const start = Math.max(0, first - OVERSCAN);
  const longest = lines.reduce((most, line) => Math.max(most, line.length), 0);
  return (
    <>
      <div ref={attach} className="dump" tabIndex={0} role="region" aria-label={`Stage ${stage} tables as text`}>
        <div className="dump-paper" style={{ blockSize: lines.length * ROW_HEIGHT, inlineSize: `${longest}ch` }}>
          <pre style={{ transform: `translateY(${start * ROW_HEIGHT}px)` }}>
            {lines.slice(start, first + visible + OVERSCAN).join('\n')}
          </pre>
        </div>
      </div>
      <p className="view-foot view-muted">
        {cut
          ? `The first ${plural(lines.length, 'line')}; there are more.`
          : stage === 2
            ? 'As debugfs kvm/…/stage2_page_tables: one line for neighbours with the same permissions, wherever they map to. Linux has X where XN is set: not executable.'
            : 'As debugfs kernel_page_tables: one line for neighbours with the same permissions, wherever they map to.'}
      </p>
    </>
  );
}
