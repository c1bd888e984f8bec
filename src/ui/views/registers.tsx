export function RegistersPanel() {
  return null;
}
