import type { Probe } from '../probe.ts';
import type { Answer, Recorded } from '../record.ts';

/** Asks our host what a record asked the kernel; null where a record shows that the probe itself had failed before. */
export type Case = (record: Recorded) => Answer | null;

/**
 * The cases of a section by name, made anew for each run of the section: cases may build on each other. `*` is for all whose
 * name says only what they are about.
 */
export type Section = (probe: Probe) => Readonly<Record<string, Case>>;
