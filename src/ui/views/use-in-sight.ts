import { useEffect, useRef } from 'react';
import type { RefObject } from 'react';

/** For an element that is to be in sight once `wanted`, though what opens for it takes some of the room. */
export function useInSight<T extends HTMLElement>(wanted: boolean): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    if (wanted) element.current?.scrollIntoView({ block: 'nearest' });
  }, [wanted]);
  return element;
}
