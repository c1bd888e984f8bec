import { CodeEditor } from './code-editor.tsx';

export function GuestPanel() {
  return <CodeEditor name="guest" label="Guest assembly" />;
}
