import { useEffect, useId, useRef, useState } from 'react';
import type { DisassemblyView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { inspectStore, showInstruction, showMemory, useInspection, useTargetVcpu } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { AddressField } from './address-field.tsx';
import { AddressList } from './address-list.tsx';
import type { AddressListHandle } from './address-list.tsx';
import { toggleInstructionBreakpoint } from './breakpoints.ts';
import { closeUp, tokens } from './disassembly-text.ts';
import { addressDigits, sentence } from './format.ts';
import { Frame, Toggle, Waiting } from './frame.tsx';
import { TargetPicker } from './target-picker.tsx';
import './disassembly.css';

const ROW_HEIGHT = 20;
const SPACE_BITS = 64;
/** Instructions asked for before the view knows how many it shows. */
const FIRST_COUNT = 64;
/** Within a stretch without memory, one row in so many says why. */
const REASON_EVERY = 8n;

type Line = DisassemblyView['lines'][number];

export function DisassemblyPanel() {
  const vcpu = useTargetVcpu();
  const wanted = useInspection((inspection) => inspection.disassembly);
  const [shown, setShown] = useState<{ address: bigint; count: number } | null>(null);
  const view = useView(
    vcpu === null
      ? null
      : { view: 'disassembly', vcpu, address: shown?.address ?? wanted, count: shown?.count ?? FIRST_COUNT },
  );
  const pc = view?.view === 'disassembly' ? view.pc : null;
  return (
    <Frame
      name="disassembly"
      bar={
        <>
          <TargetPicker />
          <Toggle
            pressed={wanted === 'pc'}
            title="Keep the next instruction in sight"
            onChange={(follow) => inspectStore.setState({ disassembly: follow ? 'pc' : (pc ?? 'pc') })}
          >
            Follow PC
          </Toggle>
          <AddressField
            label="Address"
            text={wanted !== 'pc' ? hex(wanted) : pc === null ? 'pc' : hex(pc)}
            bits={SPACE_BITS}
            names={pc === null ? {} : { pc }}
            onGo={(address) => inspectStore.setState({ disassembly: address & ~3n })}
          />
        </>
      }
    >
      {vcpu === null ? (
        <NoCode why="There is no vCPU yet." />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoCode why={sentence(view.why)} />
      ) : (
        <Disassembly
          key={vcpu}
          view={view}
          wanted={wanted}
          onShow={setShown}
          onToggleBreakpoint={toggleInstructionBreakpoint}
          onMemory={(address) => showMemory('va', address)}
          onReference={(line) => line.word !== null && showInstruction(line.word, line.address)}
        />
      )}
    </Frame>
  );
}

function NoCode({ why }: { why: string }) {
  return (
    <Empty title={why}>
      The guest’s instructions around its program counter appear here once a script has made a vCPU. Click beside an
      instruction, or press F9 on it, for a breakpoint.
    </Empty>
  );
}

interface DisassemblyProps {
  readonly view: DisassemblyView;
  /** Where to look: an address, or wherever the PC is. */
  readonly wanted: bigint | 'pc';
  readonly onShow: (range: { address: bigint; count: number }) => void;
  readonly onToggleBreakpoint: (line: Line) => void;
  readonly onMemory: (address: bigint) => void;
  readonly onReference: (line: Line) => void;
}

export function Disassembly({ view, wanted, onShow, onToggleBreakpoint, onMemory, onReference }: DisassemblyProps) {
  const id = useId();
  const list = useRef<AddressListHandle>(null);
  const [cursor, setCursor] = useState(wanted === 'pc' ? view.pc : wanted);
  const target = wanted === 'pc' ? view.pc : wanted;
  const [seenTarget, setSeenTarget] = useState(target);
  if (seenTarget !== target) {
    setSeenTarget(target);
    setCursor(target);
  }
  useEffect(() => list.current?.reveal(target, true), [target]);

  const lines = new Map(view.lines.map((line) => [line.address, line]));
  const digits = addressDigits(view.lines.at(-1)?.address ?? 0n);
  const move = (to: bigint) => {
    const inSpace = BigInt.asUintN(SPACE_BITS, to) & ~3n;
    setCursor(inSpace);
    list.current?.reveal(inSpace, false);
  };
  return (
    <AddressList
      handle={list}
      label="Disassembly"
      ownKeys="F9 ?"
      start={target & ~3n}
      unit={4n}
      limit={1n << BigInt(SPACE_BITS)}
      rowHeight={ROW_HEIGHT}
      columns={5}
      active={lines.has(cursor) ? `${id}-${cursor.toString(16)}` : undefined}
      onShow={(address, count) => onShow({ address, count })}
      onKeyDown={(event, page) => {
        const line = lines.get(cursor);
        if (event.key === 'ArrowDown') move(cursor + 4n);
        else if (event.key === 'ArrowUp') move(cursor - 4n);
        else if (event.key === 'PageDown') move(cursor + BigInt(page) * 4n);
        else if (event.key === 'PageUp') move(cursor - BigInt(page) * 4n);
        else if (event.key === 'Home') move(view.pc);
        else if ((event.key === 'F9' || event.key === ' ') && line) onToggleBreakpoint(line);
        else if (event.key === 'Enter') onMemory(cursor);
        else if (event.key === '?' && line) onReference(line);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      row={(address) => {
        const line = lines.get(address);
        return (
          <CodeRow
            key={address.toString(16)}
            id={`${id}-${address.toString(16)}`}
            address={address}
            digits={digits}
            line={line}
            isPc={address === view.pc}
            showsReason={
              (address / 4n) % REASON_EVERY === 0n ||
              [address - 4n, address + 4n].some((at) => lines.get(at)?.text !== line?.text)
            }
            selected={address === cursor}
            onSelect={() => setCursor(address)}
            onToggleBreakpoint={() => line && onToggleBreakpoint(line)}
            onReference={() => line && onReference(line)}
          />
        );
      }}
    />
  );
}

interface CodeRowProps {
  readonly id: string;
  readonly address: bigint;
  readonly digits: number;
  readonly line: Line | undefined;
  readonly isPc: boolean;
  /** Whether a line without memory says why; its neighbours say the same. */
  readonly showsReason: boolean;
  readonly selected: boolean;
  readonly onSelect: () => void;
  readonly onToggleBreakpoint: () => void;
  readonly onReference: () => void;
}

function CodeRow({
  id,
  address,
  digits,
  line,
  isPc,
  showsReason,
  selected,
  onSelect,
  onToggleBreakpoint,
  onReference,
}: CodeRowProps) {
  return (
    <div
      id={id}
      role="row"
      className="code-row"
      style={{ height: ROW_HEIGHT }}
      aria-selected={selected}
      aria-current={isPc ? 'step' : undefined}
      onClick={onSelect}
      onDoubleClick={onReference}
    >
      <span role="gridcell" className="code-gutter" onClick={onToggleBreakpoint}>
        <span className="code-breakpoint" data-set={line?.breakpoint ?? false} title="Breakpoint (F9)">
          {line?.breakpoint && <span className="view-hidden">breakpoint</span>}
        </span>
        <span className="code-arrow" aria-hidden="true">
          {isPc && '➤'}
        </span>
        {isPc && <span className="view-hidden">next</span>}
      </span>
      <span role="gridcell" className="code-address">
        {hex(address, digits)}
      </span>
      <span role="gridcell" className="code-word">
        {typeof line?.word === 'number' && line.word.toString(16).padStart(8, '0')}
      </span>
      <span role="gridcell" className="code-symbol" title={line?.symbol ?? undefined}>
        {typeof line?.symbol === 'string' && `${line.symbol}:`}
      </span>
      <span role="gridcell" className="code-text">
        {line === undefined ? null : line.word === null ? (
          <span className="code-missing" title={line.text}>
            {showsReason ? line.text : '·'}
          </span>
        ) : (
          tokens(closeUp(line.text)).map((token, index) => (
            <span key={index} data-token={token.kind}>
              {token.text}
            </span>
          ))
        )}
      </span>
    </div>
  );
}
