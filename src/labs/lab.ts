import type { Sandbox } from '../session/messages.ts';
import type { Expectation } from '../session/types.ts';

/** A guided example. */
export interface Lab {
  /** As in `npx stage2 lab NAME` and in links; never changed once given. */
  readonly name: string;
  readonly title: string;
  /** One sentence for a list of labs. */
  readonly summary: string;
  /** Markdown: paragraphs, numbered steps, `code`, **names of views and commands**. */
  readonly text: string;
  readonly sandbox: Sandbox;
  /** What must be seen when the program has come to its end. */
  readonly expect: readonly Expectation[];
}
