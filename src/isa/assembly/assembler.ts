/** Source text to bytes: GNU as syntax, one flat image. */
import { Pass, type AssemblyError, type Found, type Target } from './pass.ts';
import type { Section } from './sections.ts';
import { statements } from './source.ts';

export type { AssemblyError, Target } from './pass.ts';

export interface Assembly {
  readonly origin: bigint;
  /** From `origin`: `.text`, then the other sections in the order they come up, each aligned. Empty where there are errors. */
  readonly bytes: Uint8Array;
  readonly sections: readonly { readonly name: string; readonly address: bigint; readonly size: number }[];
  readonly symbols: ReadonlyMap<string, bigint>;
  /** Source line (from 1) of each instruction, by address. An instruction of a macro has the line of the macro's call. */
  readonly lines: readonly { readonly address: bigint; readonly line: number }[];
  readonly errors: readonly AssemblyError[];
}

const MAX_PASSES = 8;
const MAX_SOURCE = 4 << 20;

/** Bad source gives errors, never an exception. Output and work are bounded: `LIMITS` of pass.ts. */
export function assembleFor(target: Target, source: string, { origin }: { readonly origin: bigint }): Assembly {
  if (source.length > MAX_SOURCE) {
    return failed(origin, {
      line: 1,
      column: 1,
      endColumn: 2,
      message: `the source is longer than ${MAX_SOURCE} characters`,
    });
  }
  const list = statements(source);
  const last = list[list.length - 1];
  let before: Found | null = null;
  for (let passes = 1; ; passes++) {
    const pass = new Pass(target, BigInt.asUintN(64, origin), before);
    pass.run(list);
    pass.finish(last);
    const { symbols, locals, literals } = pass;
    const found: Found = { symbols, locals, literals, bases: layOut(pass) };
    if (before && same(before, found)) return result(pass, origin);
    if (passes === MAX_PASSES) {
      return failed(origin, {
        line: last?.line ?? 1,
        column: 1,
        endColumn: 2,
        message: 'sizes and addresses depend on each other in a circle (.org, .skip or .align on a label behind it)',
      });
    }
    before = found;
  }
}

/** Where each section starts: one behind the other; at 0 what is no part of the image. */
function layOut(pass: Pass): Map<string, bigint> {
  const bases = new Map<string, bigint>();
  let at: bigint | null = null;
  for (const parts of inOrder(pass)) {
    const unit = BigInt(Math.max(SECTION_ALIGNMENT, ...parts.map(({ alignment }) => alignment)));
    const { base, loaded } = parts[0]!;
    const start: bigint = at === null ? base : ((at + unit - 1n) / unit) * unit;
    let end = loaded ? start : 0n;
    for (const { key, size } of parts) {
      bases.set(key, end);
      end += BigInt(size);
    }
    if (loaded) at = end;
  }
  return bases;
}

const SECTION_ALIGNMENT = 8;

/** The parts of each section, by their numbers; sections as they come up. */
function inOrder(pass: Pass): Section[][] {
  const byName = new Map<string, Section[]>();
  for (const section of pass.sections.values()) {
    const parts = byName.get(section.name);
    if (parts) parts.push(section);
    else byName.set(section.name, [section]);
  }
  return [...byName.values()].map((parts) => parts.sort((a, b) => a.part - b.part));
}

function same(a: Found, b: Found): boolean {
  return (
    equalMaps(a.symbols, b.symbols, Object.is) &&
    equalMaps(a.bases, b.bases, Object.is) &&
    equalLists(a.literals, b.literals) &&
    equalMaps(a.locals, b.locals, equalLists)
  );
}

function equalMaps<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, equal: (x: T, y: T) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

function equalLists(a: readonly bigint[], b: readonly bigint[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function result(pass: Pass, origin: bigint): Assembly {
  const loaded = inOrder(pass).filter(([first]) => first!.loaded);
  const sections = loaded.map((parts) => ({
    name: parts[0]!.name,
    address: parts[0]!.base,
    size: parts.reduce((size, part) => size + part.size, 0),
  }));
  const { symbols, lines, errors } = pass;
  const sorted = [...errors].sort((a, b) => a.line - b.line || a.column - b.column);
  if (errors.length > 0) return { origin, bytes: new Uint8Array(0), sections, symbols, lines, errors: sorted };
  const start = sections[0]!.address;
  const end = sections.reduce((furthest, { address, size }) => {
    const behind = Number(address - start) + size;
    return Math.max(furthest, behind);
  }, 0);
  const bytes = new Uint8Array(end);
  for (const section of loaded.flat()) bytes.set(section.content, Number(section.base - start));
  return { origin, bytes, sections, symbols, lines, errors };
}

function failed(origin: bigint, error: AssemblyError): Assembly {
  return { origin, bytes: new Uint8Array(0), sections: [], symbols: new Map(), lines: [], errors: [error] };
}
