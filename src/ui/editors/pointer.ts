import type { monaco } from './monaco.ts';

/** The line to point at, and how: where the program stands, or where it failed. */
export interface Pointed {
  readonly line: number;
  readonly kind: 'current' | 'failed';
  readonly breakpoint: boolean;
}

/**
 * Points at a line of an editor: its background lies behind Monaco, which has none, its arrow over the margin. A decoration of
 * Monaco's own would have it draw all lines in sight anew with every step.
 */
export class LinePointer {
  readonly #editor: monaco.editor.IStandaloneCodeEditor;
  readonly #line = part('pointer-line');
  readonly #glyph = part('pointer-glyph');
  readonly #listeners: readonly monaco.IDisposable[];
  #at: Pointed | null = null;

  constructor(element: HTMLElement, editor: monaco.editor.IStandaloneCodeEditor) {
    this.#editor = editor;
    element.prepend(this.#line);
    element.append(this.#glyph);
    const place = () => this.#place();
    this.#listeners = [editor.onDidScrollChange(place), editor.onDidLayoutChange(place)];
  }

  show(at: Pointed | null): void {
    this.#at = at;
    for (const { dataset } of [this.#line, this.#glyph]) {
      dataset['kind'] = at?.kind ?? 'none';
      dataset['breakpoint'] = String(at?.breakpoint ?? false);
    }
    this.#place();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#line.remove();
    this.#glyph.remove();
  }

  #place(): void {
    if (!this.#at) return;
    const { glyphMarginLeft, glyphMarginWidth } = this.#editor.getLayoutInfo();
    const top = `${this.#editor.getTopForLineNumber(this.#at.line) - this.#editor.getScrollTop()}px`;
    this.#line.style.top = top;
    Object.assign(this.#glyph.style, { top, left: `${glyphMarginLeft}px`, width: `${glyphMarginWidth}px` });
  }
}

function part(name: string): HTMLElement {
  const element = document.createElement('div');
  element.className = `pointer ${name}`;
  element.dataset['kind'] = 'none';
  element.setAttribute('aria-hidden', 'true');
  return element;
}
