import { useEffect, useState } from 'react';

/**
 * A value two frames after it was given, until then the one before, at first null: for what is as much to draw as all that is above
 * it. One that is given up within that time, by a key that is held, is not drawn at all.
 */
export function useLater<T extends object>(value: T | null): T | null {
  const [later, setLater] = useState<T | null>(null);
  useEffect(() => {
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => setLater(value));
    });
    return () => cancelAnimationFrame(frame);
  }, [value]);
  return later;
}
