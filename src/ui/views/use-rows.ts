import { useCallback, useEffect, useState } from 'react';

export interface RowWindow {
  /** For the element that scrolls. */
  readonly attach: (element: HTMLElement | null) => void;
  readonly element: HTMLElement | null;
  /** First row on the screen and how many fit, whole or in part. */
  readonly first: number;
  readonly visible: number;
  readonly rowHeight: number;
  /** Reads the scroll position at once, where the program has moved it. */
  readonly measure: () => void;
}

/** Rows drawn beyond each edge, so that a scroll does not show the paper. */
export const OVERSCAN = 8;

/** Which rows are on the screen of a scrolling element; all have one height, which may depend on the element's width. */
export function useRows(heightFor: (width: number) => number): RowWindow {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [at, setAt] = useState({ first: 0, visible: 0, rowHeight: heightFor(Infinity) });
  const measure = useCallback(() => {
    if (!element) return;
    const rowHeight = heightFor(element.clientWidth);
    const first = Math.floor(element.scrollTop / rowHeight);
    const visible = Math.ceil(element.clientHeight / rowHeight);
    setAt((old) =>
      old.first === first && old.visible === visible && old.rowHeight === rowHeight
        ? old
        : { first, visible, rowHeight },
    );
  }, [element, heightFor]);
  useEffect(() => {
    if (!element) return;
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [element, measure]);
  return { attach: setElement, element, measure, ...at };
}

/** Scrolls as little as it takes to show a row; with `lead`, if it was out of sight, so that a third of the others stand before it. */
export function revealRow(element: HTMLElement, row: number, rowHeight: number, lead = false): void {
  const top = row * rowHeight;
  const bottom = top + rowHeight;
  if (top >= element.scrollTop && bottom <= element.scrollTop + element.clientHeight) return;
  if (lead) element.scrollTop = top - Math.floor(element.clientHeight / rowHeight / 3) * rowHeight;
  else if (top < element.scrollTop) element.scrollTop = top;
  else element.scrollTop = bottom - element.clientHeight;
}
