import { useEffect, useId, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import type { AddressSpace, MemoryView, Query } from '../../session/messages.ts';
import { hex } from '../format.ts';
import type { Inspection } from '../inspect.ts';
import { inspectStore, useInspection, useTargetVcpu, useTargetVm } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { send, useView } from '../sandbox-client.ts';
import { useSandbox } from '../store.ts';
import { AddressField } from './address-field.tsx';
import { AddressList } from './address-list.tsx';
import type { AddressListHandle } from './address-list.tsx';
import { addressDigits, sentence } from './format.ts';
import { Choice, Frame, Toggle, Waiting } from './frame.tsx';
import { NO_BASELINE, advance, byteAt, character, hexLayout, isMarked } from './memory-bytes.ts';
import type { Baseline } from './memory-bytes.ts';
import { TargetPicker } from './target-picker.tsx';
import { useWidth } from './use-width.ts';
import './memory.css';

const ROW_HEIGHT = 18;
/** The padding of a row and the scroll bar, in pixels. */
const ROW_MARGINS = 28;
/** Measures the font. */
const PROBE = '0'.repeat(100);
/** Bytes asked for before the view knows how many it shows. */
const FIRST_LENGTH = 1024;
/** Within a stretch without memory, one row in so many says why. */
const REASON_EVERY = 8n;

/** `bits` of an IPA space is the VM's; the host's physical addresses have at most 52. */
const SPACES: readonly {
  readonly value: AddressSpace;
  readonly text: string;
  readonly title: string;
  readonly bits: number;
}[] = [
  { value: 'va', text: 'VA', title: 'Virtual addresses of the guest, through stage 1 and stage 2', bits: 64 },
  { value: 'ipa', text: 'IPA', title: 'The guest’s physical addresses, through stage 2', bits: 52 },
  { value: 'pa', text: 'PA', title: 'Physical addresses of the host', bits: 52 },
  { value: 'hva', text: 'HVA', title: 'Virtual addresses of the VMM’s process', bits: 64 },
];

const NEEDS: Readonly<Record<AddressSpace, string>> = {
  va: 'There is no vCPU yet, and so no virtual addresses of a guest.',
  ipa: 'There is no VM yet, and so no guest physical addresses.',
  pa: 'No host runs yet.',
  hva: 'No VMM process runs yet.',
};

export function MemoryPanel() {
  const place = useInspection((inspection) => inspection.memory);
  const vm = useTargetVm();
  const start = useStart(place, vm);
  const { space } = place;
  const vcpu = useTargetVcpu();
  const vms = useSandbox((state) => state.status.vms);
  const isEmpty = useSandbox((state) => state.status.state === 'empty');
  const stop = useSandbox(({ status }) =>
    status.state === 'running' ? null : `${status.generation} ${status.instructions} ${status.ioctls}`,
  );
  const [shown, setShown] = useState<{ space: AddressSpace; address: bigint; length: number } | null>(null);
  const [editing, setEditing] = useState(false);

  const ready = { va: vcpu !== null, ipa: vm !== null, pa: !isEmpty, hva: !isEmpty }[space];
  const range = shown?.space === space ? shown : { address: start & ~15n, length: FIRST_LENGTH };
  const owner = { ...(space === 'va' && vcpu !== null && { vcpu }), ...(space === 'ipa' && vm !== null && { vm }) };
  const query: Query = {
    view: 'memory',
    space,
    address: range.address,
    length: range.length,
    ...owner,
  };
  const view = useView(ready ? query : null);
  const ipaBits = vms.find((other) => other.fd === vm)?.ipaBits;
  const bits = space === 'ipa' && ipaBits !== undefined ? ipaBits : SPACES.find((other) => other.value === space)!.bits;
  return (
    <Frame
      name="memory"
      bar={
        <>
          <Choice
            label="Address space"
            value={space}
            options={SPACES}
            onChange={(value) => inspectStore.setState({ memory: { space: value, address: start } })}
          />
          <TargetPicker />
          <AddressField
            label="Address"
            text={hex(start)}
            bits={bits}
            onGo={(address) => inspectStore.setState({ memory: { space, address } })}
          />
          <Toggle
            pressed={editing}
            title="Type hexadecimal digits over the byte under the cursor"
            onChange={setEditing}
          >
            Edit
          </Toggle>
        </>
      }
    >
      {!ready ? (
        <NoMemory why={NEEDS[space]} />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoMemory why={sentence(view.why)} />
      ) : (
        <Memory
          key={`${space} ${bits} ${vm} ${vcpu}`}
          view={view}
          stop={stop}
          bits={bits}
          wanted={start}
          onShow={(address, length) => setShown({ space, address, length })}
          onPoke={
            editing
              ? (address, byte) => send({ type: 'poke', space, ...owner, address, data: Uint8Array.of(byte) })
              : undefined
          }
        />
      )}
    </Frame>
  );
}

/** Where to look: at the VM's first slot as long as no one has said anything else. */
function useStart(place: Inspection['memory'], vm: number | null): bigint {
  const isUnset = place === inspectStore.getInitialState().memory;
  const map = useView(isUnset && vm !== null ? { view: 'memoryMap', vm } : null);
  const slot = map?.view === 'memoryMap' ? map.regions.find(({ kind }) => kind === 'slot') : undefined;
  return slot?.base ?? place.address;
}

function NoMemory({ why }: { why: string }) {
  return (
    <Empty title={why}>
      Bytes of the guest’s virtual (VA) and physical (IPA) memory, of the host’s memory (PA) and of the VMM’s process
      (HVA) appear here. Load a sandbox and step its script until what you want to see exists.
    </Empty>
  );
}

interface MemoryProps {
  readonly view: MemoryView;
  /** Names the stop the bytes are of; null while the guest runs. */
  readonly stop: string | null;
  readonly bits: number;
  readonly wanted: bigint;
  readonly onShow: (address: bigint, length: number) => void;
  /** Writes a byte; absent: bytes can't be typed. */
  readonly onPoke: ((address: bigint, byte: number) => void) | undefined;
}

export function Memory({ view, stop, bits, wanted, onShow, onPoke }: MemoryProps) {
  const id = useId();
  const list = useRef<AddressListHandle>(null);
  const [attachBox, boxWidth] = useWidth();
  const [attachProbe, probeWidth] = useWidth();
  const columns = probeWidth > 0 ? ((boxWidth - ROW_MARGINS) * PROBE.length) / probeWidth : 0;
  const limit = 1n << BigInt(bits);
  const digits = addressDigits(wanted > view.address ? wanted : view.address);
  const { bytesPerRow, ascii } = hexLayout(columns, digits);
  const unit = BigInt(bytesPerRow);

  const [baseline, setBaseline] = useState(NO_BASELINE);
  const advanced = advance(baseline, stop, view);
  if (advanced !== baseline) setBaseline(advanced);

  const [cursor, setCursor] = useState(wanted);
  const [digit, setDigit] = useState<string | null>(null);
  const [seenWanted, setSeenWanted] = useState(wanted);
  if (seenWanted !== wanted) {
    setSeenWanted(wanted);
    setCursor(wanted);
  }
  useEffect(() => list.current?.reveal(wanted, true), [wanted]);

  // Who turns typing on wants to type: the keyboard goes to the bytes.
  const canEdit = onPoke !== undefined;
  const [couldEdit] = useState(canEdit);
  useEffect(() => {
    if (canEdit && !couldEdit) list.current?.focus();
  }, [canEdit, couldEdit]);

  const move = (to: bigint) => {
    const inSpace = to < 0n ? 0n : to >= limit ? limit - 1n : to;
    setCursor(inSpace);
    setDigit(null);
    list.current?.reveal(inSpace, false);
  };
  const type = (typed: string) => {
    if (digit === null) {
      setDigit(typed);
      return;
    }
    onPoke?.(cursor, parseInt(digit + typed, 16));
    move(cursor + 1n);
  };
  const onKeyDown = (event: KeyboardEvent, page: number) => {
    const distance = distanceOf(event.key, unit, page);
    if (distance !== null) move(cursor + distance);
    else if (event.key === 'Home') move(cursor - (cursor % unit));
    else if (event.key === 'End') move(cursor - (cursor % unit) + unit - 1n);
    else if (event.key === 'Escape' && digit !== null) setDigit(null);
    else if (onPoke && /^[0-9a-f]$/i.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (typeof byteAt(view, cursor) === 'number') type(event.key);
    } else return;
    event.preventDefault();
  };

  return (
    <>
      <div ref={attachBox} className="memory-probe" aria-hidden="true">
        <span ref={attachProbe}>{PROBE}</span>
      </div>
      {columns > 0 && (
        <AddressList
          key={bytesPerRow}
          handle={list}
          label="Memory"
          start={cursor}
          unit={unit}
          limit={limit}
          rowHeight={ROW_HEIGHT}
          columns={bytesPerRow + (ascii ? 2 : 1)}
          active={`${id}-${cursor.toString(16)}`}
          onShow={(address, rows) => onShow(address, rows * bytesPerRow)}
          onKeyDown={onKeyDown}
          row={(address) => (
            <ByteRow
              key={address.toString(16)}
              id={id}
              view={view}
              baseline={advanced}
              address={address}
              digits={digits}
              count={bytesPerRow}
              ascii={ascii}
              cursor={cursor >= address && cursor < address + unit ? cursor : null}
              typed={digit}
              onSelect={(at) => {
                setCursor(at);
                setDigit(null);
              }}
            />
          )}
        />
      )}
      <CursorLine view={view} cursor={cursor} canEdit={onPoke !== undefined} />
    </>
  );
}

function distanceOf(key: string, unit: bigint, page: number): bigint | null {
  switch (key) {
    case 'ArrowRight':
      return 1n;
    case 'ArrowLeft':
      return -1n;
    case 'ArrowDown':
      return unit;
    case 'ArrowUp':
      return -unit;
    case 'PageDown':
      return unit * BigInt(page);
    case 'PageUp':
      return -unit * BigInt(page);
    default:
      return null;
  }
}

interface ByteRowProps {
  readonly id: string;
  readonly view: MemoryView;
  readonly baseline: Baseline;
  readonly address: bigint;
  readonly digits: number;
  readonly count: number;
  readonly ascii: boolean;
  readonly cursor: bigint | null;
  readonly typed: string | null;
  readonly onSelect: (address: bigint) => void;
}

function ByteRow({ id, view, baseline, address, digits, count, ascii, cursor, typed, onSelect }: ByteRowProps) {
  const cells = Array.from({ length: count }, (_, index) => {
    const at = address + BigInt(index);
    const byte = byteAt(view, at);
    return { at, byte, changed: isMarked(baseline, at, byte) };
  });
  const first = cells[0]?.byte;
  const missing = cells.every(({ byte }) => byte !== null && typeof byte === 'object');
  const next = byteAt(view, address + BigInt(count));
  const previous = byteAt(view, address - 1n);
  const saysWhy =
    cursor !== null ||
    (address / BigInt(count)) % REASON_EVERY === 0n ||
    typeof next === 'number' ||
    typeof previous === 'number';
  return (
    <div role="row" className="memory-row" style={{ height: ROW_HEIGHT }}>
      <span role="rowheader" className="memory-address">
        {hex(address, digits)}
      </span>
      {missing && typeof first === 'object' && first !== null ? (
        <span
          role="gridcell"
          id={cursor === null ? undefined : `${id}-${cursor.toString(16)}`}
          aria-selected={cursor !== null}
          className="memory-missing"
          title={first.missing}
          onClick={() => onSelect(address)}
        >
          {saysWhy ? first.missing : '·'}
        </span>
      ) : (
        <>
          {cells.map(({ at, byte, changed }) => (
            <span
              key={at.toString(16)}
              id={at === cursor ? `${id}-${at.toString(16)}` : undefined}
              role="gridcell"
              className="memory-byte"
              aria-selected={at === cursor}
              data-changed={changed}
              data-zero={byte === 0}
              onClick={() => onSelect(at)}
            >
              {at === cursor && typed !== null ? `${typed}_` : byteText(byte)}
              {changed && <span className="view-hidden"> changed</span>}
            </span>
          ))}
          {ascii && (
            <span role="gridcell" className="memory-ascii">
              {cells.map(({ at, byte, changed }) => (
                <span key={at.toString(16)} data-changed={changed} data-cursor={at === cursor}>
                  {typeof byte === 'number' ? character(byte) : ' '}
                </span>
              ))}
            </span>
          )}
        </>
      )}
    </div>
  );
}

function byteText(byte: ReturnType<typeof byteAt>): string {
  if (byte === null) return '  ';
  return typeof byte === 'number' ? byte.toString(16).padStart(2, '0') : '··';
}

/** The little-endian values that start at the cursor. */
function CursorLine({ view, cursor, canEdit }: { view: MemoryView; cursor: bigint; canEdit: boolean }) {
  const bytes = Array.from({ length: 8 }, (_, index) => byteAt(view, cursor + BigInt(index)));
  const valueOf = (length: number) => {
    let value = 0n;
    for (let index = length - 1; index >= 0; index--) {
      const byte = bytes[index];
      if (typeof byte !== 'number') return null;
      value = (value << 8n) | BigInt(byte);
    }
    return value;
  };
  const [first] = bytes;
  return (
    <div className="view-foot memory-cursor">
      <b>{hex(cursor)}</b>
      {typeof first === 'object' && first !== null && <span>{first.missing}</span>}
      {([8, 4, 2] as const).map((length) => {
        const value = valueOf(length);
        return (
          value !== null && (
            <span key={length}>
              <span className="view-muted">u{length * 8}</span> {hex(value, length * 2)}
            </span>
          )
        );
      })}
      {canEdit && <span className="view-muted">Two hexadecimal digits write a byte</span>}
    </div>
  );
}
