import { useLayoutEffect, useState } from 'react';

interface Place {
  readonly top: number;
  readonly left: number;
  /** A list that was read at its end goes on at its end. */
  readonly atEnd: boolean;
}

type Places = Map<Element, Place>;

function note(places: Places, element: Element): void {
  const { scrollTop: top, scrollLeft: left, scrollHeight, clientHeight } = element;
  // Nothing has a height out of the document.
  if (clientHeight === 0) return;
  places.set(element, { top, left, atEnd: top > 0 && top + clientHeight >= scrollHeight - 2 });
}

function restore(places: Places, root: Element): void {
  for (const [element, { top, left, atEnd }] of [...places]) {
    if (!root.contains(element)) places.delete(element);
    else element.scrollTo({ top: atEnd ? element.scrollHeight : top, left, behavior: 'instant' });
  }
}

/**
 * Keeps where everything in a panel is scrolled to: the layout takes a hidden panel out of the document, and what is out of
 * it forgets that. Gives a ref for the panel's element.
 */
export function useKeptScroll(visible: boolean): (element: HTMLElement | null) => void {
  const [root, setRoot] = useState<HTMLElement | null>(null);
  const [places] = useState((): Places => new Map());
  useLayoutEffect(() => {
    if (!root) return;
    const onScroll = ({ target }: Event) => {
      if (target instanceof Element) note(places, target);
    };
    root.addEventListener('scroll', onScroll, { capture: true, passive: true });
    return () => root.removeEventListener('scroll', onScroll, { capture: true });
  }, [root, places]);
  useLayoutEffect(() => {
    if (root && visible) restore(places, root);
  }, [root, places, visible]);
  return setRoot;
}
