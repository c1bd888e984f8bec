import type { Builder } from '../../builder.ts';
import type { Width } from '../../expr.ts';

/** The register width that field sf chooses. */
export const registerWidth = (b: Builder): Width => (b.field('sf') ? 64 : 32);
