/**
 * A function of a text that knows what it gave for the texts that it was given last: what is loaded again is not read again.
 * `most` results are kept, and none of a text of more than `longest` characters. A result must not be changed by who gets it.
 */
export function remembered<T extends NonNullable<unknown>>(
  make: (text: string) => T,
  { most, longest }: { readonly most: number; readonly longest: number },
): (text: string) => T {
  /** The one used last comes last. */
  const results = new Map<string, T>();
  return (text) => {
    if (text.length > longest) return make(text);
    const result = results.get(text) ?? make(text);
    results.delete(text);
    results.set(text, result);
    for (const oldest of results.keys()) {
      if (results.size <= most) break;
      results.delete(oldest);
    }
    return result;
  };
}
