// All features: Monaco's own TypeScript support brings them in later, too late for an editor that stands already.
import 'monaco-editor/features/register.all.js';
import 'monaco-editor/languages/definitions/typescript/register.js';
import EditorWorker from 'monaco-editor/editor/editor.worker.js?worker';
import * as monaco from 'monaco-editor/editor/editor.api.js';
import { ScriptTarget, typescriptDefaults } from 'monaco-editor/languages/features/typescript/register.js';
import TypeScriptWorker from 'monaco-editor/languages/features/typescript/ts.worker.js?worker';
import { sandboxStore } from '../store.ts';
import { colour, themeStore } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { A64_CONFIGURATION, A64_TOKENS } from './a64-language.ts';

/* Everything of Monaco that the page uses, set up once. Loaded late: it is most of the page's bytes. */

self.MonacoEnvironment = {
  getWorker: (_, label) => (label === 'typescript' ? new TypeScriptWorker() : new EditorWorker()),
};

/** Hovers and completions of all editors: at the end of the page, since one of a group of panels ends at its edge. */
export const overflowWidgetsDomNode = document.createElement('div');
overflowWidgetsDomNode.className = 'monaco-editor';
document.body.append(overflowWidgetsDomNode);

monaco.languages.register({ id: 'a64', extensions: ['.s', '.S'] });
monaco.languages.setMonarchTokensProvider('a64', A64_TOKENS);
monaco.languages.setLanguageConfiguration('a64', A64_CONFIGURATION);

typescriptDefaults.setCompilerOptions({
  target: ScriptTarget.ESNext,
  lib: ['es2023'],
  strict: true,
  allowNonTsExtensions: true,
  // A script may await at its top level and needs no import for it.
  moduleDetection: 3,
  module: 99,
});
typescriptDefaults.setEagerModelSync(true);

function setScriptTypes(types: string): void {
  // Without the declarations everything a script names would be an error.
  typescriptDefaults.setDiagnosticsOptions({ noSemanticValidation: types === '' });
  typescriptDefaults.setExtraLibs(types ? [{ content: types, filePath: 'file:///vmm.d.ts' }] : []);
}
setScriptTypes(sandboxStore.getState().scriptTypes);
sandboxStore.subscribe((now, before) => {
  if (now.scriptTypes !== before.scriptTypes && now.scriptTypes) setScriptTypes(now.scriptTypes);
});

/** The script's name for the type checker. */
export const SCRIPT_PATH = 'file:///vmm.ts';

const scriptUri = monaco.Uri.parse(SCRIPT_PATH);
monaco.editor.onDidChangeMarkers((changed) => {
  if (!changed.some((uri) => uri.toString() === scriptUri.toString())) return;
  const markers = monaco.editor
    .getModelMarkers({ resource: scriptUri, owner: 'typescript' })
    .filter(({ severity }) => severity === monaco.MarkerSeverity.Error);
  sandboxStore.setState({
    typeErrors: markers.map(({ message, startLineNumber, startColumn, endLineNumber, endColumn }) => ({
      source: 'script',
      severity: 'error',
      message,
      line: startLineNumber,
      column: startColumn,
      ...(endLineNumber === startLineNumber ? { endColumn } : {}),
    })),
  });
});

const TOKEN_COLOURS: readonly (readonly [token: string, name: `--${string}`])[] = [
  ['', '--text'],
  ['comment', '--comment'],
  ['keyword', '--keyword'],
  ['keyword.directive', '--symbol'],
  ['keyword.shift', '--keyword'],
  ['string', '--string'],
  ['number', '--number'],
  ['number.hex', '--number'],
  ['type', '--symbol'],
  ['type.identifier', '--symbol'],
  ['variable.register', '--number'],
  ['delimiter', '--text-muted'],
];

const EDITOR_COLOURS: Readonly<Record<string, `--${string}`>> = {
  'editor.background': '--bg',
  'editor.foreground': '--text',
  'editorLineNumber.foreground': '--text-muted',
  'editorLineNumber.activeForeground': '--text',
  'editor.lineHighlightBackground': '--line-of-cursor',
  'editor.lineHighlightBorder': '--line-of-cursor',
  'editor.selectionBackground': '--bg-selected',
  'editor.inactiveSelectionBackground': '--bg-hover',
  'editorCursor.foreground': '--accent',
  'editorGutter.background': '--bg',
  'editorWidget.background': '--bg-raised',
  'editorWidget.border': '--border-strong',
  'editorSuggestWidget.background': '--bg-raised',
  'editorSuggestWidget.selectedBackground': '--bg-selected',
  'editorSuggestWidget.selectedForeground': '--text',
  'editorSuggestWidget.highlightForeground': '--accent',
  'editorSuggestWidget.focusHighlightForeground': '--accent',
  'editorHoverWidget.background': '--bg-raised',
  'editorError.foreground': '--danger',
  'editorWarning.foreground': '--warn',
  'editorIndentGuide.background1': '--border',
  'scrollbarSlider.background': '--bg-selected',
  focusBorder: '--focus',
  'editorBracketHighlight.foreground1': '--text-muted',
  'editorBracketHighlight.foreground2': '--text-muted',
  'editorBracketHighlight.foreground3': '--text-muted',
};

function applyTheme(theme: Theme): void {
  const colours = Object.entries(EDITOR_COLOURS).map(([key, name]) => [key, colour(name)] as const);
  monaco.editor.defineTheme('stage2', {
    base: theme === 'dark' ? 'vs-dark' : 'vs',
    inherit: true,
    rules: TOKEN_COLOURS.map(([token, name]) => ({ token, foreground: colour(name).slice(1) })),
    colors: Object.fromEntries(colours),
  });
  monaco.editor.setTheme('stage2');
}
applyTheme(themeStore.getState().theme);
themeStore.subscribe(({ theme }) => applyTheme(theme));

export { monaco };
