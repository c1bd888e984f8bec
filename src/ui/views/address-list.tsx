import { useCallback, useEffect, useEffectEvent, useImperativeHandle, useLayoutEffect, useState } from 'react';
import type { KeyboardEvent, ReactNode, Ref } from 'react';
import { movedWindow, rowOf, windowAround } from './address-window.ts';
import { OVERSCAN, useRows } from './use-rows.ts';

export interface AddressListHandle {
  /** Shows the row of an address, scrolling as little as it takes; with `lead`, with some rows before it. */
  reveal(address: bigint, lead: boolean): void;
  focus(): void;
}

interface AddressListProps {
  readonly handle: Ref<AddressListHandle>;
  readonly label: string;
  /** Where to begin. */
  readonly start: bigint;
  /** Bytes per row, a power of two, and bytes of the space. */
  readonly unit: bigint;
  readonly limit: bigint;
  readonly rowHeight: number;
  readonly columns: number;
  readonly active: string | undefined;
  /** Keys that mean something here although the page has a command on them. */
  readonly ownKeys?: string;
  readonly header?: ReactNode;
  /** Called with the first address and the number of rows wanted whenever these change. */
  readonly onShow: (address: bigint, rows: number) => void;
  readonly onKeyDown: (event: KeyboardEvent, page: number) => void;
  readonly row: (address: bigint, index: number) => ReactNode;
}

/** An endless list with a row for every `unit` bytes of an address space. */
export function AddressList(props: AddressListProps) {
  const { handle, start, unit, limit, rowHeight, onShow } = props;
  const { attach, element, first, visible, reveal, measure } = useRows(useCallback(() => rowHeight, [rowHeight]));
  const [window, setWindow] = useState(() => windowAround(start, unit, limit));
  const [shown, setShown] = useState<{ address: bigint; lead: boolean } | null>({ address: start, lead: true });

  useImperativeHandle(handle, () => ({
    reveal: (address, lead) => {
      setWindow((old) => (rowOf(old, address, unit) === null ? windowAround(address, unit, limit) : old));
      setShown({ address, lead });
    },
    focus: () => element?.focus({ preventScroll: true }),
  }));
  useLayoutEffect(() => {
    if (!shown || !element) return;
    const row = rowOf(window, shown.address, unit);
    if (row !== null) reveal(row, shown.lead);
  }, [shown, window, unit, element, reveal]);

  const onScroll = (scrolled: HTMLElement) => {
    const moved = movedWindow(window, Math.floor(scrolled.scrollTop / rowHeight), unit, limit);
    if (moved.base === window.base) return;
    setShown(null);
    setWindow(moved);
    scrolled.scrollTop += Number((window.base - moved.base) / unit) * rowHeight;
    measure();
  };

  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(window.rows, first + visible + OVERSCAN);
  const address = window.base + BigInt(from) * unit;
  const report = useEffectEvent(onShow);
  useEffect(() => {
    if (visible > 0) report(address, to - from);
  }, [address, to, from, visible]);

  return (
    <>
      {props.header}
      <div
        ref={attach}
        className="address-list"
        role="grid"
        aria-label={props.label}
        aria-rowcount={-1}
        aria-colcount={props.columns}
        aria-activedescendant={props.active}
        tabIndex={0}
        data-own-keys={props.ownKeys}
        onScroll={(event) => onScroll(event.currentTarget)}
        data-autofocus
        onKeyDown={(event) => props.onKeyDown(event, Math.max(1, visible - 2))}
      >
        <div role="presentation" style={{ height: window.rows * rowHeight, position: 'relative' }}>
          <div role="presentation" style={{ transform: `translateY(${from * rowHeight}px)` }}>
            {Array.from({ length: to - from }, (_, index) => props.row(address + BigInt(index) * unit, from + index))}
          </div>
        </div>
      </div>
    </>
  );
}
