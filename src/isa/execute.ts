/** What a row's `execute` is: its semantics, written against the builder. The engine's side of the row. */
export type Execute = unknown;
