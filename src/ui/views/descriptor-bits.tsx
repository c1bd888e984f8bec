import { useState } from 'react';
import type { DescriptorField } from '../../session/messages.ts';
import { bitsPerRow, highestBit, rulerRows } from './bit-ruler.ts';
import { useWidth } from './use-width.ts';
import { hex } from '../format.ts';
import './descriptor-bits.css';

/** Colours of neighbouring fields differ; the palette is in descriptor-bits.css. */
const HUES = 6;

interface DescriptorBitsProps {
  readonly value: bigint;
  readonly fields: readonly DescriptorField[];
}

/** A descriptor as a ruler of its 64 bits, and what each field of it says. */
export function DescriptorBits({ value, fields: unordered }: DescriptorBitsProps) {
  const [attach, width] = useWidth();
  const perRow = bitsPerRow(width);
  const [marked, setMarked] = useState<number | null>(null);
  const fields = [...unordered].sort((a, b) => highestBit(b.bits) - highestBit(a.bits));
  const bitText = value.toString(2).padStart(64, '0');
  return (
    <div className="bits" ref={attach}>
      <div className="bits-ruler" role="img" aria-label={`Bits of ${hex(value, 16)}; the table below reads them`}>
        {rulerRows(fields, perRow).map((row) => (
          <div
            key={row[0]?.hi}
            className="bits-row"
            style={{ gridTemplateColumns: `repeat(${perRow}, minmax(0, 1fr))` }}
          >
            {row.map((segment) => {
              const field = segment.field === null ? null : fields[segment.field];
              return (
                <div
                  key={segment.hi}
                  className="bits-segment"
                  data-hue={segment.field === null ? 'none' : segment.field % HUES}
                  data-marked={segment.field !== null && segment.field === marked}
                  style={{ gridColumn: `span ${segment.hi - segment.lo + 1}` }}
                  title={field ? `${field.name} [${field.bits}] = ${hex(field.value)}: ${field.meaning}` : undefined}
                  onPointerEnter={() => setMarked(segment.field)}
                  onPointerLeave={() => setMarked(null)}
                >
                  <span className="bits-numbers">
                    <span>{segment.hi}</span>
                    {segment.lo < segment.hi && <span>{segment.lo}</span>}
                  </span>
                  <span className="bits-digits">
                    {[...bitText.slice(63 - segment.hi, 64 - segment.lo)].map((digit, index) => (
                      <span key={segment.hi - index}>{digit}</span>
                    ))}
                  </span>
                  <span className="bits-name">{field?.name ?? ''}</span>
                </div>
              );
            })}
          </div>
        ))}
      </div>
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
            <tr
              key={`${field.name} ${field.bits}`}
              data-marked={index === marked}
              onPointerEnter={() => setMarked(index)}
              onPointerLeave={() => setMarked(null)}
            >
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
    </div>
  );
}
