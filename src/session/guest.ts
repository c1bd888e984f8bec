import { assemble } from '../isa/a64/assembler.ts';
import { ElfError, readElf } from '../vmm/images/elf.ts';
import { remembered } from '../vmm/remembered.ts';
import type { GuestImage } from '../vmm/script/api.ts';
import type { Breakpoint, Diagnostic, GuestElf, Sandbox } from './messages.ts';

/**
 * Where a guest program is assembled to lie. A script is free to load it elsewhere: code that finds its data with `adr` runs
 * anywhere, but symbols, breakpoints and source lines go by these addresses.
 */
export const GUEST_ORIGIN = 0x4000_0000n;

const ENTRY = '_start';
/** Sources whose program is kept. */
const REMEMBERED = { most: 16, longest: 1 << 16 };

/** What comes of a guest's source or file. */
interface Built {
  readonly image: GuestImage;
  readonly diagnostics: readonly Diagnostic[];
  readonly lines: ReadonlyMap<bigint, number>;
}

const NOTHING: GuestImage = { bytes: new Uint8Array(), origin: GUEST_ORIGIN, entry: GUEST_ORIGIN, symbols: new Map() };

const assembled = remembered((source): Built => {
  const { bytes, symbols, lines, errors } = assemble(source, { origin: GUEST_ORIGIN });
  return {
    image: { bytes, origin: GUEST_ORIGIN, entry: symbols.get(ENTRY) ?? GUEST_ORIGIN, symbols },
    diagnostics: errors.map((error) => ({ source: 'guest', severity: 'error', ...error })),
    lines: new Map(lines.map(({ address, line }) => [address, line])),
  };
}, REMEMBERED);

function loaded({ name, base64 }: GuestElf): Built {
  const lines = new Map<bigint, number>();
  try {
    return { image: readElf(fromBase64(base64)), diagnostics: [], lines };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    const message = `${name} can't be loaded: ${error.message}`;
    return { image: NOTHING, diagnostics: [{ source: 'guest', severity: 'error', message }], lines };
  }
}

function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new ElfError('its base64 is damaged');
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The guest's source assembled, or its file read: bytes for the script; symbols and lines for the views. */
export class GuestProgram {
  readonly image: GuestImage;
  readonly diagnostics: readonly Diagnostic[];
  /** By address; of several names at one place the last, since constants of the same value come before the labels. */
  readonly symbols: ReadonlyMap<bigint, string>;
  /** Source lines by address; none of a file. */
  readonly #lines: ReadonlyMap<bigint, number>;
  /** Addresses of the labels, in order. */
  readonly #places: readonly bigint[];

  constructor({ guest, elf }: Pick<Sandbox, 'guest' | 'elf'>) {
    const { image, diagnostics, lines } = elf ? loaded(elf) : assembled(guest);
    this.image = image;
    this.diagnostics = diagnostics;
    this.#lines = lines;
    const named = new Map<bigint, string>();
    for (const [name, address] of image.symbols) {
      if (address >= image.origin && address <= image.origin + BigInt(image.bytes.length)) named.set(address, name);
    }
    this.symbols = named;
    this.#places = [...named.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** `vectors+0x200`, or null outside of the program. */
  symbolAt(address: bigint): string | null {
    const { bytes, origin } = this.image;
    if (address < origin || address >= origin + BigInt(bytes.length)) return null;
    const place = this.#places.findLast((each) => each <= address);
    if (place === undefined) return null;
    const name = this.symbols.get(place) ?? '';
    return place === address ? name : `${name}+0x${(address - place).toString(16)}`;
  }

  /** The source line of the instruction at an address; null where memory holds another word than was assembled there. */
  lineAt(address: bigint, word?: number | null): number | null {
    const line = this.#lines.get(address);
    if (line === undefined) return null;
    return word === undefined || word === this.#wordAt(address) ? line : null;
  }

  /** Where breakpoints lie. One on a line without code stands at the next line that has some. */
  addressesOf(breakpoints: readonly Breakpoint[]): Set<bigint> {
    const byLine = new Map<number, bigint>();
    for (const [address, line] of this.#lines) {
      const known = byLine.get(line);
      if (known === undefined || address < known) byLine.set(line, address);
    }
    const lines = [...byLine.keys()].sort((a, b) => a - b);
    const addresses = new Set<bigint>();
    for (const breakpoint of breakpoints) {
      if (breakpoint.kind === 'address') {
        addresses.add(breakpoint.address);
        continue;
      }
      const line = lines.find((each) => each >= breakpoint.line);
      const address = line === undefined ? undefined : byLine.get(line);
      if (address !== undefined) addresses.add(address);
    }
    return addresses;
  }

  #wordAt(address: bigint): number | null {
    const { bytes, origin } = this.image;
    const offset = Number(address - origin);
    if (offset < 0 || offset + 4 > bytes.length) return null;
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
  }
}
