import { CodeEditor } from './code-editor.tsx';

export function ScriptPanel() {
  return <CodeEditor name="script" label="VMM script" />;
}
