import { useId, useState } from 'react';
import { parseAddress } from './address.ts';
import { useNames } from './names.ts';

interface AddressFieldProps {
  readonly label: string;
  /** What the field says until the person types: follows the view. */
  readonly text: string;
  /** What it is a field of: what was typed for something else is given up. */
  readonly about?: bigint;
  /** The space's size in bits; what is beyond is refused. */
  readonly bits: number;
  /** Names that can be typed even before the field is worked with. */
  readonly names?: Readonly<Record<string, bigint>>;
  readonly onGo: (address: bigint) => void;
  readonly action?: string;
}

/** An address to go to, by number or by name: taken with Enter, refused with a reason below the field; Escape gives up what was typed. */
export function AddressField({ label, text, about, bits, names, onGo, action = 'Go' }: AddressFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [typedFor, setTypedFor] = useState(about);
  if (typedFor !== about) {
    setTypedFor(about);
    setTyped(null);
    setFault(null);
  }
  const [used, setUsed] = useState(false);
  const known = useNames(used);
  const id = useId();
  const submit = () => {
    const parsed = parseAddress(typed ?? text, bits, { ...names, ...known });
    setFault(parsed.ok ? null : parsed.message);
    if (!parsed.ok) return;
    setTyped(null);
    onGo(parsed.value);
  };
  return (
    <form
      className="view-address"
      onFocus={() => setUsed(true)}
      onBlur={({ currentTarget, relatedTarget }) => setUsed(currentTarget.contains(relatedTarget))}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        title="An address, a label or constant of the guest, a register, or a sum of those: table + 0x10"
        value={typed ?? text}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={fault !== null}
        aria-describedby={fault === null ? undefined : `${id}-fault`}
        onChange={(event) => {
          setTyped(event.target.value);
          setFault(null);
        }}
        onFocus={(event) => event.target.select()}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || typed === null) return;
          event.stopPropagation();
          setTyped(null);
          setFault(null);
        }}
      />
      <button type="submit" className="view-button">
        {action}
      </button>
      {fault !== null && (
        <p id={`${id}-fault`} className="view-fault" role="alert">
          {fault}
        </p>
      )}
    </form>
  );
}
