export function MemoryPanel() {
  return null;
}
