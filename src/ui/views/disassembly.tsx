export function DisassemblyPanel() {
  return null;
}
