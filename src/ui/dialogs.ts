import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';

export type DialogName = 'palette' | 'help';

/** Which dialog is open; one at most. */
export const dialogStore = createStore<{ readonly open: DialogName | null }>(() => ({ open: null }));

export function useDialog(name: DialogName): { open: boolean; onOpenChange: (open: boolean) => void } {
  const open = useStore(dialogStore, (state) => state.open === name);
  return { open, onOpenChange: (wanted) => dialogStore.setState({ open: wanted ? name : null }) };
}
