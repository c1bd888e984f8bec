/** Names that `.req` gives to registers. */
import type { Token } from './tokens.ts';

/** The name of a register as the instruction set writes it, or null. */
export type RegisterName = (name: string) => string | null;

/** A name is also there in upper and in lower case, as GNU as has it. */
const spellings = (name: string) => [name, name.toUpperCase(), name.toLowerCase()];

export class RegisterAliases {
  private readonly names = new Map<string, string>();
  private readonly registerName: RegisterName;

  constructor(registerName: RegisterName) {
    this.registerName = registerName;
  }

  /** `name .req register`; a string says what is wrong. */
  define(name: string, register: string): string | null {
    const meant = this.names.get(register) ?? this.registerName(register);
    if (meant === null) return `"${register}" is no register`;
    if (!/^[A-Za-z_]\w*$/.test(name)) return `"${name}" can't be the name of a register`;
    const known = this.names.get(name) ?? this.registerName(name);
    if (known === meant) return null;
    if (known !== null) return `"${name}" is the register ${known} already`;
    for (const spelling of spellings(name)) if (!this.names.has(spelling)) this.names.set(spelling, meant);
    return null;
  }

  /** False: there is no such name. */
  remove(name: string): boolean {
    const found = this.names.has(name);
    for (const spelling of spellings(name)) this.names.delete(spelling);
    return found;
  }

  /** Registers in place of names, which may have an arrangement behind them: `sum.4s`. */
  replaceIn(tokens: readonly Token[]): readonly Token[] {
    if (this.names.size === 0) return tokens;
    return tokens.map((token) => {
      if (token.kind !== 'word') return token;
      const [name = '', ...rest] = token.text.split('.');
      const register = this.names.get(name);
      return register === undefined ? token : { ...token, text: [register, ...rest].join('.') };
    });
  }
}
