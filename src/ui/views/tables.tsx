export function TablesPanel() {
  return null;
}
