import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { DescriptorField } from '../../session/messages.ts';
import { BitSegment } from './bit-segment.tsx';
import { bitsPerRow, highestBit, initials, nameFits, rulerRows, type RulerSegment } from './bit-ruler.ts';
import { useGrowth, useLater } from './use-later.ts';
import { useWidth } from './use-width.ts';
import { hex } from '../format.ts';
import './descriptor-bits.css';

/** Colours of neighbouring fields differ; the palette is in descriptor-bits.css. */
const HUES = 6;

export const highestFirst = (fields: readonly DescriptorField[]) =>
  [...fields].sort((a, b) => highestBit(b.bits) - highestBit(a.bits));

interface DescriptorBitsProps {
  readonly value: bigint;
  readonly fields: readonly DescriptorField[];
  /** Bits that differ from it are marked. */
  readonly before?: bigint | null;
  /** A bit is to be changed; absent: they are only shown. */
  readonly onFlip?: (bit: number) => void;
}

/** A descriptor as a ruler of its 64 bits, and what each field of it says. */
export function DescriptorBits({ value, fields: unordered, before = null, onFlip }: DescriptorBitsProps) {
  const [attach, width] = useWidth();
  const perRow = bitsPerRow(width);
  const [marked, setMarked] = useState<number | null>(null);
  // Of all the bits one is in the tab order; arrow keys go to the others.
  const [reachable, setReachable] = useState(63);
  const ruler = useRef<HTMLDivElement>(null);
  const flipped = useRef<number | null>(null);
  // A bit may stand in other fields once it is changed: drawn anew, it keeps the keyboard.
  useEffect(() => {
    const bit = flipped.current;
    if (bit === null || document.activeElement !== document.body) return;
    ruler.current?.querySelector<HTMLElement>(`[data-bit="${bit}"]`)?.focus();
  });
  const flip = (target: EventTarget) => {
    const bit = numberAt(target, 'data-bit');
    flipped.current = bit;
    if (bit !== null) onFlip?.(bit);
  };
  const fields = useMemo(() => highestFirst(unordered), [unordered]);
  const told = useLater(fields, 1);
  const rows = rulerRows(fields, perRow);
  const grown = useGrowth(rows.length);
  const hasRoom = ({ hi, lo, field }: RulerSegment) =>
    field !== null && nameFits(fields[field]?.name ?? '', (width / perRow) * (hi - lo + 1));
  const named = new Set(rows.flat().flatMap((segment) => (hasRoom(segment) ? [segment.field] : [])));
  const label = (segment: RulerSegment) => {
    const name = segment.field === null ? '' : (fields[segment.field]?.name ?? '');
    if (hasRoom(segment) || !named.has(segment.field)) return { text: name, upright: !hasRoom(segment) && name !== '' };
    return { text: initials(name), upright: false };
  };
  const digits = bitText(value);
  const differs = bitText(before === null ? 0n : before ^ value);
  return (
    <div
      className="bits"
      ref={attach}
      onPointerOver={({ target }) => setMarked(numberAt(target, 'data-field'))}
      onPointerLeave={() => setMarked(null)}
    >
      <div
        ref={ruler}
        className="bits-ruler"
        role={onFlip ? 'group' : 'img'}
        aria-label={`Bits of ${hex(value, 16)}; the table below reads them`}
        onFocus={({ target }) => setReachable(numberAt(target, 'data-bit') ?? reachable)}
        onBlur={() => (flipped.current = null)}
        onClick={({ target }) => flip(target)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: 1, ArrowRight: -1, ArrowUp: perRow, ArrowDown: -perRow }[event.key];
          const flips = event.key === 'Enter' || event.key === ' ';
          if (!onFlip || (by === undefined && !flips)) return;
          event.preventDefault();
          if (by === undefined) return flip(event.target);
          event.currentTarget.querySelector<HTMLElement>(`[data-bit="${reachable + by}"]`)?.focus();
        }}
      >
        {rows.slice(0, grown).map((row) => (
          <div key={row[0]?.hi} className="bits-row">
            {row.map((segment) => {
              const { hi, lo } = segment;
              const field = segment.field === null ? null : fields[segment.field];
              const { text, upright } = label(segment);
              return (
                <BitSegment
                  key={hi}
                  hi={hi}
                  lo={lo}
                  perRow={perRow}
                  field={segment.field}
                  hue={segment.field === null ? 'none' : segment.field % HUES}
                  name={text}
                  upright={upright}
                  title={field ? `${field.name} [${field.bits}] = ${hex(field.value)}: ${field.meaning}` : undefined}
                  marked={segment.field !== null && segment.field === marked}
                  digits={digits.slice(63 - hi, 64 - lo)}
                  differs={differs.slice(63 - hi, 64 - lo)}
                  flips={onFlip !== undefined}
                  reachable={reachable <= hi && reachable >= lo ? reachable : null}
                />
              );
            })}
          </div>
        ))}
      </div>
      {told && <DescriptorFields fields={told} marked={marked} />}
    </div>
  );
}

/** What each field says, in the order in which they are given. */
export const DescriptorFields = memo(function DescriptorFields({
  fields,
  marked,
}: {
  readonly fields: readonly DescriptorField[];
  readonly marked: number | null;
}) {
  return (
    <table className="bits-fields">
      <thead>
        <tr>
          <th scope="col">Bits</th>
          <th scope="col">Field</th>
          <th scope="col">Value</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field, index) => (
          <tr key={`${field.name} ${field.bits}`} data-field={index} data-marked={index === marked}>
            <td>{field.bits}</td>
            <th scope="row">
              <span className="bits-swatch" data-hue={index % HUES} aria-hidden="true" />
              {field.name}
            </th>
            <td>{hex(field.value)}</td>
            <td>{field.meaning}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
});

/** 64 digits, bit 63 first. */
const bitText = (value: bigint) => value.toString(2).padStart(64, '0');

/** What an attribute of an element, or of one around it, says. */
function numberAt(target: EventTarget, attribute: string): number | null {
  const text = target instanceof Element ? target.closest(`[${attribute}]`)?.getAttribute(attribute) : null;
  return text ? Number(text) : null;
}

interface BitStripProps {
  readonly value: bigint;
  readonly fields: readonly DescriptorField[];
  /** A field has the colour of its name's first place here. */
  readonly names: readonly string[];
  /** Names of fields to be marked. */
  readonly moved: ReadonlySet<string>;
  readonly label: string;
}

const bitsText = (hi: number, lo: number) => (hi === lo ? `Bit ${hi}` : `Bits ${hi}:${lo}`);

/** 64 bits in one line, coloured by field. */
export function BitStrip({ value, fields, names, moved, label }: BitStripProps) {
  const order = [...new Set(names)];
  const digits = bitText(value);
  return (
    <div className="bits-strip" role="img" aria-label={label}>
      {rulerRows(fields, 64)
        .flat()
        .map(({ hi, lo, field: index }) => {
          const field = fields[index ?? -1];
          return (
            <span
              key={hi}
              data-hue={field ? order.indexOf(field.name) % HUES : 'none'}
              data-moved={field ? moved.has(field.name) : false}
              title={`${bitsText(hi, lo)}${field ? `: ${field.name}` : ''}`}
            >
              {digits.slice(63 - hi, 64 - lo)}
            </span>
          );
        })}
    </div>
  );
}
