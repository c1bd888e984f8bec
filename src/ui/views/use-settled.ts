import { useEffect, useState } from 'react';

/** A value once it has stayed the same for so many milliseconds; at once where there was none, or is none now. */
export function useSettled<T>(value: T | null, milliseconds: number): T | null {
  const [settled, setSettled] = useState(value);
  const shown = value === null || settled === null ? value : settled;
  if (shown !== settled) setSettled(shown);
  useEffect(() => {
    if (shown === value) return;
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [shown, value, milliseconds]);
  return shown;
}
