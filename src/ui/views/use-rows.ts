import { useCallback, useEffect, useRef, useState } from 'react';

export interface RowWindow {
  /** For the element that scrolls. */
  readonly attach: (element: HTMLElement | null) => void;
  readonly element: HTMLElement | null;
  /** First row on the screen and how many fit, whole or in part. */
  readonly first: number;
  readonly visible: number;
  readonly rowHeight: number;
  /** Of the element, without its scroll bars, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Scrolls as little as it takes to show a row; with `lead`, if it was out of sight, so that a third of the others stand before it. */
  readonly reveal: (row: number, lead?: boolean) => void;
  /** Reads the scroll position at once, where the program has moved it. */
  readonly measure: () => void;
}

/** Rows drawn beyond each edge; a turn of a mouse wheel moves by more than would be worth drawing. */
export const OVERSCAN = 4;

/**
 * Which rows are on the screen of a scrolling element; all have one height, which may depend on the element's width.
 * Where it is and how large is remembered as the browser told it: asking makes it lay the page out once more in that frame.
 */
export function useRows(heightFor: (width: number) => number): RowWindow {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const box = useRef({ top: 0, width: 0, height: 0 });
  const [at, setAt] = useState({ first: 0, visible: 0, rowHeight: heightFor(Infinity), width: 0, height: 0 });
  const show = useCallback(() => {
    const { top, width, height } = box.current;
    const rowHeight = heightFor(width);
    const first = Math.floor(top / rowHeight);
    const visible = Math.ceil(height / rowHeight);
    setAt((old) =>
      old.first === first && old.rowHeight === rowHeight && old.width === width && old.height === height
        ? old
        : { first, visible, rowHeight, width, height },
    );
  }, [heightFor]);
  const moved = useCallback(() => {
    if (!element) return;
    box.current = { ...box.current, top: element.scrollTop };
    show();
  }, [element, show]);
  const measure = useCallback(() => {
    if (!element) return;
    box.current = { top: element.scrollTop, width: element.clientWidth, height: element.clientHeight };
    show();
  }, [element, show]);
  const reveal = useCallback(
    (row: number, lead = false) => {
      if (!element) return;
      if (box.current.height === 0) measure();
      const { top, width, height } = box.current;
      const rowHeight = heightFor(width);
      const to = scrolledTo(row, rowHeight, { top, height }, lead);
      if (to === top) return;
      element.scrollTo({ top: to });
      moved();
    },
    [element, heightFor, measure, moved],
  );
  useEffect(() => {
    if (!element) return;
    element.addEventListener('scroll', moved, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', moved);
      observer.disconnect();
    };
  }, [element, moved, measure]);
  return { attach: setElement, element, reveal, measure, ...at };
}

/** Where to scroll to so that a row is in sight, in pixels. */
export function scrolledTo(
  row: number,
  rowHeight: number,
  { top, height }: { readonly top: number; readonly height: number },
  lead: boolean,
): number {
  const start = row * rowHeight;
  const end = start + rowHeight;
  if (start >= top && end <= top + height) return top;
  if (lead) return Math.max(0, start - Math.floor(height / rowHeight / 3) * rowHeight);
  return start < top ? start : end - height;
}
