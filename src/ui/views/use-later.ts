import { useEffect, useState } from 'react';

/**
 * A value so many frames after it was given, until then the one before, at first null: for what is as much to draw as all that is
 * above it. One that is given up within that time, by a key that is held, is not drawn at all.
 */
export function useLater<T extends object>(value: T | null, frames: number): T | null {
  const [later, setLater] = useState<T | null>(null);
  useEffect(() => {
    let left = frames;
    const next = () => requestAnimationFrame(() => (--left > 0 ? (frame = next()) : setLater(value)));
    let frame = next();
    return () => cancelAnimationFrame(frame);
  }, [value, frames]);
  return later;
}

/** How many of so many parts a component has drawn: one more with each of its first frames. */
export function useGrowth(parts: number): number {
  const [grown, setGrown] = useState(1);
  useEffect(() => {
    if (grown >= parts) return;
    const frame = requestAnimationFrame(() => setGrown(grown + 1));
    return () => cancelAnimationFrame(frame);
  }, [grown, parts]);
  return Math.min(grown, parts);
}
