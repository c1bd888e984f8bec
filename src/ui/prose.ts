/** Code in backquotes, what stands in single quotes, and an apostrophe: within a word, or after the s at its end. */
const QUOTED_OR_APOSTROPHE = /`[^`]*`|(?<![\p{L}\p{N}])'[^'\n]*'|(?<=[\p{L}\p{N}])'(?=\p{L})|(?<=s)'(?![\p{L}\p{N}])/gu;

/** Text of labs and the session as the page writes it: with typographic apostrophes, as its own texts have them; quotes and code stay. */
export function prose(text: string): string {
  return text.includes("'") ? text.replace(QUOTED_OR_APOSTROPHE, (found) => (found === "'" ? '’' : found)) : text;
}
