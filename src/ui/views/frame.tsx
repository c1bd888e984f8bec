import { useId } from 'react';
import type { ReactNode } from 'react';
import './frame.css';

/** A view's outline: a bar of controls over a body that scrolls by itself. */
export function Frame({ name, bar, children }: { name: string; bar?: ReactNode; children: ReactNode }) {
  return (
    <section className={`view view-${name}`}>
      {bar !== undefined && <div className="view-bar">{bar}</div>}
      <div className="view-body">{children}</div>
    </section>
  );
}

/** Until the first answer; drawn only if that takes a while, so that a quick answer does not flicker. */
export function Waiting() {
  return (
    <div className="view-waiting" role="status">
      Reading…
    </div>
  );
}

/** A change against the last stop, for eyes that see no colour and for ears. */
export function ChangedMark({ changed }: { changed: boolean }) {
  return (
    <span className="view-mark">
      {changed && (
        <>
          <span aria-hidden="true">●</span>
          <span className="view-hidden">changed</span>
        </>
      )}
    </span>
  );
}

export function Toggle({
  pressed,
  onChange,
  children,
  title,
}: {
  pressed: boolean;
  onChange: (pressed: boolean) => void;
  children: ReactNode;
  title?: string;
}) {
  return (
    <button
      type="button"
      className="view-button"
      aria-pressed={pressed}
      title={title}
      onClick={() => onChange(!pressed)}
    >
      {children}
    </button>
  );
}

/** One of a few, as radio buttons that look like one control. */
export function Choice<T extends string | number>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly { readonly value: T; readonly text: string; readonly title?: string }[];
  onChange: (value: T) => void;
}) {
  const group = useId();
  return (
    <fieldset className="view-choice">
      <legend className="view-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input
            type="radio"
            name={group}
            className="view-hidden"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What is selected in a view, in full; below the rest or, in a wide panel, beside it. */
export function Detail({
  name,
  title,
  onMemory,
  onClose,
  children,
}: {
  name: string;
  title: ReactNode;
  onMemory: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <section className="view-detail" aria-label={name} tabIndex={0}>
      <header>
        <h3>{title}</h3>
        <button type="button" className="view-button" onClick={onMemory}>
          Show bytes
        </button>
        <button type="button" className="view-button view-close" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </section>
  );
}
