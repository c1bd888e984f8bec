import { useState } from 'react';
import { hex } from '../format.ts';
import { stage2Levels, type NumberedStep, type WalkGroup } from './walk-groups.ts';
import { useInSight } from './use-in-sight.ts';
import { useWidth } from './use-width.ts';
import './walk-grid.css';

interface WalkGridProps {
  readonly groups: readonly WalkGroup[];
  readonly selected: number | null;
  /** The reads whose descriptors forbid the access. */
  readonly refusing: readonly number[];
  readonly onSelect: (number: number) => void;
}

/** What an address, and a read with its addresses, take in pixels. */
const ADDRESS_WIDTH = 125;
const CELL_WIDTH = 115;

/** The same without the addresses of reads: a read's number and index, which are never cut off, at so many pixels a character. */
const DENSE_ADDRESS_WIDTH = 156;
const DENSE_CHARACTER = 6;
const DENSE_SPACE = 6;

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

/** The walk as a picture: a row for each address that stage 2 translates, a column for each of its levels, stage 1's reads last. */
export function WalkGrid({ groups, selected, refusing, onSelect }: WalkGridProps) {
  const levels = stage2Levels(groups);
  const [attach, width] = useWidth();
  const [reachable, setReachable] = useState(1);
  const reads = groups.reduce((sum, { stage2, stage1 }) => sum + stage2.length + (stage1 ? 1 : 0), 0);
  const longest = Math.max(0, ...groups.flatMap((group) => readsOf(group).map((read) => readText(read).length)));
  const narrowest = DENSE_ADDRESS_WIDTH + (levels.length + 1) * (longest * DENSE_CHARACTER + DENSE_SPACE);
  const tabStop = reachable > reads ? 1 : reachable;
  const cell = (read: NumberedStep | undefined, row: number, column: number) => (
    <td key={column}>
      {read && (
        <Read
          read={read}
          open={read.number === selected}
          refuses={refusing.includes(read.number)}
          inTabOrder={read.number === tabStop}
          place={`${row} ${column}`}
          onFocus={() => setReachable(read.number)}
          onOpen={() => onSelect(read.number)}
        />
      )}
    </td>
  );
  return (
    <div className="walk-grid-paper" ref={attach}>
      <table
        className="walk-grid"
        style={{ minInlineSize: narrowest }}
        data-dense={width < ADDRESS_WIDTH + (levels.length + 1) * CELL_WIDTH}
        aria-label="Reads of the walk"
        onKeyDown={(event) => {
          const step = STEPS[event.key];
          const at = (event.target as HTMLElement).dataset['place']?.split(' ').map(Number);
          if (!step || at?.[0] === undefined || at[1] === undefined) return;
          event.preventDefault();
          // The next read that way: empty places are gone over.
          for (let by = 1; by <= groups.length + levels.length; by++) {
            const place = `${at[0] + step[0] * by} ${at[1] + step[1] * by}`;
            const next = event.currentTarget.querySelector<HTMLElement>(`[data-place="${place}"]`);
            if (next) return next.focus();
          }
        }}
      >
        <thead>
          <tr>
            <th scope="col">Address</th>
            {levels.map((level) => (
              <th key={level} scope="col">
                S<span className="walk-grid-word">tage </span>2 L{level}
              </th>
            ))}
            <th scope="col">
              S<span className="walk-grid-word">tage </span>1
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group, row) => (
            <tr key={row}>
              <th scope="row">
                <span>
                  {rowTitle(group)}
                  <span className="walk-grid-word">{group.purpose === 'off' ? ', the IPA' : ' at IPA'}</span>
                </span>{' '}
                {group.ipa !== null && <code>{hex(group.ipa)}</code>}
              </th>
              {levels.map((level, column) =>
                cell(
                  group.stage2.find(({ step }) => step.level === level),
                  row,
                  column,
                ),
              )}
              {cell(group.stage1 ?? undefined, row, levels.length)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const readsOf = ({ stage2, stage1 }: WalkGroup): readonly NumberedStep[] => (stage1 ? [...stage2, stage1] : stage2);

const readText = ({ number, step }: NumberedStep): string => `${number} [${step.index}]`;

function rowTitle({ purpose, stage1 }: WalkGroup): string {
  if (purpose === 'result') return 'Result';
  if (purpose === 'off') return 'VA';
  return stage1 ? `L${stage1.step.level}` : 'Table';
}

interface ReadProps {
  readonly read: NumberedStep;
  readonly open: boolean;
  readonly refuses: boolean;
  readonly inTabOrder: boolean;
  readonly place: string;
  readonly onFocus: () => void;
  readonly onOpen: () => void;
}

function Read({ read: { number, step }, open, refuses, inTabOrder, place, onFocus, onOpen }: ReadProps) {
  const element = useInSight<HTMLButtonElement>(open);
  const what = `Read ${number}: stage ${step.stage} L${step.level}[${step.index}] at PA ${hex(step.descriptorPa)}, ${hex(step.value, 16)}, ${step.kind}${refuses ? ', refuses' : ''}`;
  return (
    <button
      ref={element}
      type="button"
      className="walk-cell"
      data-place={place}
      data-stage={step.stage}
      data-kind={step.kind}
      data-refuses={refuses}
      tabIndex={inTabOrder ? 0 : -1}
      aria-pressed={open}
      aria-label={what}
      title={what}
      onFocus={onFocus}
      onClick={onOpen}
    >
      <span className="walk-cell-name">
        <b>{number}</b> <span className="walk-grid-word">L{step.level}</span>[{step.index}]
      </span>
      <span className="walk-cell-address">{hex(step.descriptorPa)}</span>
      <span className="walk-cell-value">{hex(step.value)}</span>
    </button>
  );
}
