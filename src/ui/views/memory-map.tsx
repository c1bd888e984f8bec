export function MemoryMapPanel() {
  return null;
}
