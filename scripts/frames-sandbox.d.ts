export const PAGES: number;
/** What the page keeps of a person's own sandbox. */
export const draft: object;
