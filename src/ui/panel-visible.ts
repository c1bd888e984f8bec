import { createContext, useContext, useRef, useSyncExternalStore } from 'react';
import type { StoreApi } from 'zustand/vanilla';

/** Whether the panel around a component is on the screen. */
export const PanelVisible = createContext(true);

const asleep = () => () => undefined;

/** A part of a store's state. In a hidden panel it stays as it was: nothing there is drawn before it is seen. */
export function useWhileVisible<S, T>(store: StoreApi<S>, select: (state: S) => T): T {
  const visible = useContext(PanelVisible);
  const seen = useRef(store.getState());
  return useSyncExternalStore(visible ? store.subscribe : asleep, () => {
    if (visible) seen.current = store.getState();
    return select(seen.current);
  });
}
