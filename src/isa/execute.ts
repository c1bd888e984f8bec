/** What a row's `execute` is: its semantics, written against the builder. The engine's side of the row. */
import type { Builder } from './builder.ts';

export type Execute = (b: Builder) => void;
