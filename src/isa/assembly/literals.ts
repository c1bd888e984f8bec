/** Literal pools: the values of `ldr x0, =value` that wait for `.ltorg` or the end of their section. */
import type { Section } from './sections.ts';
import type { Token } from './tokens.ts';

export interface Literal {
  readonly bytes: number;
  readonly value: bigint;
  /** Numbers of the loads that use it. */
  readonly users: number[];
}

/** Small ones first, as GNU as writes them. */
const SIZES = [4, 8, 16];

export class LiteralPools {
  private readonly pools = new Map<Section, Map<string, Literal>>();
  private loads = 0;

  /** Takes a literal up and gives the number of its load. Equal ones of a section share a place until it is written. */
  add(section: Section, bytes: number, value: bigint, name: string | null): number {
    const number = this.loads++;
    const key = `${bytes}:${name ?? value}`;
    const pool = this.pools.get(section) ?? new Map<string, Literal>();
    this.pools.set(section, pool);
    const known = pool.get(key);
    if (known) known.users.push(number);
    else pool.set(key, { bytes, value, users: [number] });
    return number;
  }

  /** A load that has no literal, for it is in error; the numbers stay the same from pass to pass. */
  skip(): void {
    this.loads++;
  }

  /** What waits in a section, in the order in which it is written. */
  take(section: Section): Literal[] {
    const literals = [...(this.pools.get(section)?.values() ?? [])];
    this.pools.delete(section);
    return SIZES.flatMap((size) => literals.filter(({ bytes }) => bytes === size));
  }
}

/**
 * The name of a literal that an address is in: labels of the same address are different literals to GNU as. null: a plain number,
 * or a numeric label, whose name means another place each time.
 */
export function literalName(expression: readonly Token[], namedAddress: boolean): string | null {
  if (!namedAddress || expression.some(({ kind }) => kind === 'local')) return null;
  return expression.map(({ text }) => text).join(' ');
}
