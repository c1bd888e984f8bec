export function WalkPanel() {
  return null;
}
