import { memo } from 'react';
import type { CSSProperties } from 'react';

interface BitSegmentProps {
  readonly hi: number;
  readonly lo: number;
  readonly perRow: number;
  /** Index of the field whose bits these are; null: no field's. */
  readonly field: number | null;
  readonly hue: number | 'none';
  readonly name: string;
  readonly upright: boolean;
  readonly title: string | undefined;
  readonly marked: boolean;
  /** A digit a bit, the highest first; and which of them differ from before. */
  readonly digits: string;
  readonly differs: string;
  /** Whether the bits are buttons, and which of these is in the tab order. */
  readonly flips: boolean;
  readonly reachable: number | null;
}

/**
 * Neighbouring bits of one field in a ruler; what is done to them is told by `data-bit` and `data-field`. The bits are no <button>:
 * a browser lays out three boxes for each of those.
 */
export const BitSegment = memo(function BitSegment(props: BitSegmentProps) {
  const { hi, lo, digits } = props;
  return (
    <div
      className="bits-segment"
      data-hue={props.hue}
      data-field={props.field ?? undefined}
      data-marked={props.marked}
      style={{ inlineSize: `${(100 * digits.length) / props.perRow}%` }}
      title={props.title}
    >
      <span className="bits-numbers" data-single={lo === hi}>
        {lo < hi ? `${hi} ${lo}` : hi}
      </span>
      <span className="bits-digits" style={{ '--digits': digits.length } as CSSProperties}>
        {[...digits].map((digit, index) => {
          const changed = props.differs[index] === '1';
          if (!props.flips) return <span key={index}>{changed ? <b data-changed={true}>{digit}</b> : digit}</span>;
          const bit = hi - index;
          return (
            <span
              key={index}
              role="button"
              className="bits-flip"
              data-bit={bit}
              data-changed={changed}
              tabIndex={bit === props.reachable ? 0 : -1}
              aria-label={`Bit ${bit} is ${digit}${changed ? ', changed' : ''}`}
            >
              {digit}
            </span>
          );
        })}
      </span>
      <span className="bits-name" data-upright={props.upright}>
        {props.name}
      </span>
    </div>
  );
});
