import type { Breakpoint, Diagnostic, Status } from '../../session/messages.ts';
import { prose } from '../prose.ts';
import { sandboxStore } from '../store.ts';
import { property } from '../theme.ts';
import { draftLine, edit, toggleBreakpoint, workspaceStore } from '../workspace.ts';
import type { Workspace } from '../workspace.ts';
import type { EditorName } from './focus.ts';
import { registerEditor } from './focus.ts';
import { monaco, overflowWidgetsDomNode, SCRIPT_PATH } from './monaco.ts';
import { LinePointer } from './pointer.ts';
import type { Pointed } from './pointer.ts';

type Decoration = monaco.editor.IModelDeltaDecoration;

interface EditorKind {
  readonly path: string;
  readonly language: string;
  readonly label: string;
  readonly indent: { readonly tabSize: number; readonly insertSpaces: boolean };
  readonly autoIndent: 'none' | 'full';
}

const EDITORS: Readonly<Record<EditorName, EditorKind>> = {
  script: {
    path: SCRIPT_PATH,
    language: 'typescript',
    label: 'VMM script',
    indent: { tabSize: 2, insertSpaces: true },
    autoIndent: 'full',
  },
  guest: {
    path: 'file:///guest.s',
    language: 'a64',
    label: 'Guest assembly',
    indent: { tabSize: 8, insertSpaces: false },
    // A line begins with a label or with a tab: kept indentation would grow with each line that is typed with its own.
    autoIndent: 'none',
  },
};

function wholeLine(line: number, options: monaco.editor.IModelDecorationOptions): Decoration {
  return { range: new monaco.Range(line, 1, line, 1), options: { isWholeLine: true, ...options } };
}

function marker(model: monaco.editor.ITextModel, diagnostic: Diagnostic): monaco.editor.IMarkerData {
  const line = Math.min(Math.max(diagnostic.line ?? 1, 1), model.getLineCount());
  const startColumn = diagnostic.column ?? (model.getLineFirstNonWhitespaceColumn(line) || 1);
  const endColumn = Math.max(diagnostic.endColumn ?? model.getLineMaxColumn(line), startColumn + 1);
  const severity = diagnostic.severity === 'error' ? monaco.MarkerSeverity.Error : monaco.MarkerSeverity.Warning;
  return {
    severity,
    message: prose(diagnostic.message),
    startLineNumber: line,
    startColumn,
    endLineNumber: line,
    endColumn,
  };
}

function currentLine(name: EditorName, status: Status, workspace: Workspace): Pick<Pointed, 'line' | 'kind'> | null {
  const reported = name === 'guest' ? status.guestLine : status.scriptLine;
  const line = draftLine(workspace, name, reported);
  if (line === null) return null;
  if (status.state === 'paused') return { line, kind: 'current' };
  if (status.state === 'failed' && status.reason === 'failed' && name === 'script') return { line, kind: 'failed' };
  return null;
}

function linesOf(breakpoints: readonly Breakpoint[]): readonly number[] {
  return breakpoints.flatMap((point) => (point.kind === 'line' ? [point.line] : [])).sort((a, b) => a - b);
}

/** An editor over one text of the workspace, in an element. Returns what takes it away. */
export function mountEditor(element: HTMLElement, name: EditorName, focus: boolean): () => void {
  const { path, language, label, indent, autoIndent } = EDITORS[name];
  const uri = monaco.Uri.parse(path);
  const model =
    monaco.editor.getModel(uri) ?? monaco.editor.createModel(workspaceStore.getState().draft[name], language, uri);
  const editor = monaco.editor.create(element, {
    model,
    ariaLabel: `${label}. Tab indents; after Ctrl+M it moves on`,
    fontFamily: property('--mono'),
    fontSize: 12.5,
    lineHeight: 19,
    detectIndentation: false,
    autoIndent,
    guides: { indentation: name === 'script' },
    minimap: { enabled: false },
    glyphMargin: true,
    folding: false,
    lineNumbersMinChars: 3,
    lineDecorationsWidth: 6,
    scrollBeyondLastLine: false,
    renderLineHighlight: 'line',
    fixedOverflowWidgets: true,
    overflowWidgetsDomNode,
    overviewRulerLanes: 2,
    overviewRulerBorder: false,
    stickyScroll: { enabled: false },
    scrollbar: {
      verticalScrollbarSize: 10,
      horizontalScrollbarSize: 10,
      useShadows: false,
      // Else a scroll bar that appears while a line is revealed leaves the margin where it was.
      ignoreHorizontalScrollbarInContentHeight: true,
    },
    padding: { top: 6, bottom: 12 },
    disableLayerHinting: true,
    'semanticHighlighting.enabled': false,
    // `#1200` is an immediate here.
    colorDecorators: false,
  });
  // After the editor, whose options become those of all models.
  model.updateOptions(indent);
  const points = editor.createDecorationsCollection();
  const pointer = new LinePointer(element, editor);
  const hint = editor.createDecorationsCollection();
  /** The text is being replaced from outside: not an edit of the person's. */
  let replacing = false;

  const pointLines = () => points.getRanges().map((range) => range.startLineNumber);
  const showPoints = (lines: readonly number[]) => {
    const kept = lines.filter((line) => line <= model.getLineCount());
    points.set(
      kept.map((line) => ({
        range: new monaco.Range(line, 1, line, model.getLineMaxColumn(line)),
        options: {
          glyphMarginClassName: 'glyph-breakpoint',
          glyphMarginHoverMessage: { value: 'Breakpoint: click or F9 removes it' },
          stickiness: monaco.editor.TrackedRangeStickiness.NeverGrowsWhenTypingAtEdges,
        },
      })),
    );
  };
  const showPointer = (reveal: boolean) => {
    const at = currentLine(name, sandboxStore.getState().status, workspaceStore.getState());
    const known = at !== null && at.line <= model.getLineCount() ? at : null;
    pointer.show(known && { ...known, breakpoint: pointLines().includes(known.line) });
    if (known && reveal) editor.revealLineInCenterIfOutsideViewport(known.line);
  };
  const showMarkers = () => {
    const { diagnostics, status } = sandboxStore.getState();
    const own = diagnostics.filter((diagnostic) => diagnostic.source === name);
    const failed = currentLine(name, status, workspaceStore.getState());
    if (failed?.kind === 'failed') {
      own.push({ source: name, severity: 'error', message: status.message ?? 'failed here', line: failed.line });
    }
    monaco.editor.setModelMarkers(
      model,
      'stage2',
      own.map((diagnostic) => marker(model, diagnostic)),
    );
  };
  const takeDraft = () => {
    const { draft } = workspaceStore.getState();
    if (draft[name] !== model.getValue()) {
      replacing = true;
      model.setValue(draft[name]);
      replacing = false;
    }
    if (name === 'guest') {
      const wanted = linesOf(draft.breakpoints);
      if (wanted.join() !== pointLines().join()) showPoints(wanted);
    }
  };

  const disposables = [
    editor,
    pointer,
    model.onDidChangeContent(() => {
      if (replacing) return;
      const text = model.getValue();
      if (name === 'script') return edit({ script: text });
      // Breakpoints moved with their lines; two that met are one.
      const addresses = workspaceStore.getState().draft.breakpoints.filter((point) => point.kind === 'address');
      const lines = [...new Set(pointLines())].map((line) => ({ kind: 'line', line }) as const);
      edit({ guest: text, breakpoints: [...addresses, ...lines] });
    }),
    editor.onMouseDown(({ target, event }) => {
      if (name !== 'guest' || !event.leftButton || !isGutter(target)) return;
      toggleBreakpoint({ kind: 'line', line: target.position.lineNumber });
    }),
    editor.onMouseMove(({ target }) => {
      if (name !== 'guest') return;
      hint.set(isGutter(target) ? [wholeLine(target.position.lineNumber, { glyphMarginClassName: 'glyph-hint' })] : []);
    }),
    editor.onMouseLeave(() => hint.clear()),
  ];
  // Monaco's own observer would lay it out for no size at all whenever its panel has none.
  const observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry?.contentRect ?? { width: 0, height: 0 };
    if (width > 0 && height > 0) editor.layout({ width, height }, true);
  });
  observer.observe(element);
  const endings = [
    () => observer.disconnect(),
    workspaceStore.subscribe((now, before) => {
      if (now.draft !== before.draft) takeDraft();
      if (now.draft !== before.draft || now.loaded !== before.loaded) showPointer(false);
    }),
    sandboxStore.subscribe((now, before) => {
      if (now.status !== before.status) showPointer(now.status.state !== 'running');
      if (now.diagnostics !== before.diagnostics || now.status.message !== before.status.message) showMarkers();
    }),
    registerEditor(name, {
      line: () => editor.getPosition()?.lineNumber ?? 1,
      reveal: (line, column) => {
        editor.setPosition({ lineNumber: Math.min(line, model.getLineCount()), column: column ?? 1 });
        editor.revealLineInCenterIfOutsideViewport(line);
        editor.focus();
      },
    }),
  ];
  takeDraft();
  showPointer(true);
  showMarkers();
  if (focus) editor.focus();
  return () => {
    for (const end of endings) end();
    for (const disposable of disposables) disposable.dispose();
  };
}

function isGutter(
  target: monaco.editor.IMouseTarget,
): target is monaco.editor.IMouseTarget & { readonly position: monaco.Position } {
  return target.type === monaco.editor.MouseTargetType.GUTTER_GLYPH_MARGIN && target.position !== null;
}
