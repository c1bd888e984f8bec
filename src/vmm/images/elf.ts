/** Reads a linked AArch64 ELF as a loader does: what PT_LOAD puts into memory, where to begin, and the names in it. */

export interface ElfImage {
  /** Physical address of the first byte (the lowest p_paddr). */
  readonly origin: bigint;
  /** Everything between the lowest and the highest segment, zeros where no segment is. */
  readonly bytes: Uint8Array;
  /** The entry point, where its segment's physical address puts it. */
  readonly entry: bigint;
  readonly symbols: ReadonlyMap<string, bigint>;
}

/** Bytes that the segments of one image may span. */
export const IMAGE_LIMIT = 64 << 20;
/** Program headers that are taken: Linux has the same bound (load_elf_phdrs). */
const SEGMENT_LIMIT = Math.floor(65_536 / 56);
const SYMBOL_LIMIT = 65_536;
const NAME_LIMIT = 256;

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const EM_AARCH64 = 183;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
const SHN_LORESERVE = 0xff00;

const TYPES: Readonly<Record<number, string>> = {
  0: 'without a type',
  1: 'a relocatable object: link it first',
  4: 'a core dump',
};

/** Why a file can't be loaded; the message is for the person who chose it. */
export class ElfError extends Error {}

interface Segment {
  readonly offset: number;
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

/** @throws ElfError where the file is none, is another machine's, or says what can't be. */
export function readElf(file: Uint8Array): ElfImage {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  checkHeader(view);
  const segments = readSegments(view);
  let low = segments[0]!.physical;
  let high = low;
  for (const { physical, memoryBytes } of segments) {
    if (physical < low) low = physical;
    if (physical + BigInt(memoryBytes) > high) high = physical + BigInt(memoryBytes);
  }
  if (high - low > BigInt(IMAGE_LIMIT)) {
    throw new ElfError(
      `its segments span 0x${low.toString(16)} to 0x${high.toString(16)}, more than ${IMAGE_LIMIT} bytes`,
    );
  }
  const bytes = new Uint8Array(Number(high - low));
  for (const { offset, physical, fileBytes } of segments) {
    bytes.set(file.subarray(offset, offset + fileBytes), Number(physical - low));
  }
  const toPhysical = (address: bigint): bigint => {
    const home = segments.find(
      ({ virtual, memoryBytes }) => address >= virtual && address < virtual + BigInt(memoryBytes),
    );
    return home ? home.physical + (address - home.virtual) : address;
  };
  return { origin: low, bytes, entry: toPhysical(view.getBigUint64(24, true)), symbols: readSymbols(view, toPhysical) };
}

function checkHeader(view: DataView): void {
  const size = view.byteLength;
  if (size < 4 || view.getUint32(0) !== 0x7f454c46) {
    const first = Array.from({ length: Math.min(size, 4) }, (_, i) => view.getUint8(i).toString(16).padStart(2, '0'));
    throw new ElfError(`it is no ELF: it begins with ${first.join(' ') || 'nothing'}, not with 7f 45 4c 46`);
  }
  if (size < HEADER_BYTES) throw new ElfError(`its ${size} bytes end inside the ELF header`);
  if (view.getUint8(4) !== 2) throw new ElfError('it is a 32-bit ELF; a guest here is AArch64 and needs ELFCLASS64');
  if (view.getUint8(5) !== 1) throw new ElfError('it is big-endian; a guest here needs ELFDATA2LSB');
  const machine = view.getUint16(18, true);
  if (machine !== EM_AARCH64) throw new ElfError(`it is for machine ${machine}, not for EM_AARCH64 (${EM_AARCH64})`);
  const type = view.getUint16(16, true);
  if (type !== 2 && type !== 3) throw new ElfError(`it is no executable but ${TYPES[type] ?? `of type ${type}`}`);
}

/** Offset and count of a table of the file, checked against its size. */
function table(view: DataView, what: string, offset: bigint, count: number, bytes: number): number {
  if (offset + BigInt(count * bytes) > BigInt(view.byteLength)) {
    throw new ElfError(`its ${count} ${what} at 0x${offset.toString(16)} lie beyond its ${view.byteLength} bytes`);
  }
  return Number(offset);
}

function readSegments(view: DataView): Segment[] {
  const count = view.getUint16(56, true);
  const entryBytes = view.getUint16(54, true);
  if (count > 0 && entryBytes !== SEGMENT_BYTES)
    throw new ElfError(`its program headers have ${entryBytes} bytes, not 56`);
  if (count > SEGMENT_LIMIT) throw new ElfError(`it has ${count} program headers, more than ${SEGMENT_LIMIT}`);
  const start = table(view, 'program headers', view.getBigUint64(32, true), count, SEGMENT_BYTES);
  const segments: Segment[] = [];
  let total = 0n;
  for (let index = 0; index < count; index++) {
    const at = start + index * SEGMENT_BYTES;
    const memoryBytes = view.getBigUint64(at + 40, true);
    if (view.getUint32(at, true) !== PT_LOAD || memoryBytes === 0n) continue;
    const fileBytes = view.getBigUint64(at + 32, true);
    const offset = view.getBigUint64(at + 8, true);
    const physical = view.getBigUint64(at + 24, true);
    const name = `segment ${index}`;
    if (fileBytes > memoryBytes)
      throw new ElfError(`${name} has more bytes in the file (${fileBytes}) than in memory (${memoryBytes})`);
    if (memoryBytes > BigInt(IMAGE_LIMIT))
      throw new ElfError(`${name} has ${memoryBytes} bytes, more than ${IMAGE_LIMIT}`);
    // Segments may overlap: what has to be copied is bounded too.
    total += memoryBytes;
    if (total > BigInt(IMAGE_LIMIT))
      throw new ElfError(`its segments up to ${name} have ${total} bytes, more than ${IMAGE_LIMIT}`);
    if (physical + memoryBytes > 1n << 52n) throw new ElfError(`${name} at 0x${physical.toString(16)} ends above 2^52`);
    table(view, `bytes of ${name}`, offset, Number(fileBytes), 1);
    segments.push({
      offset: Number(offset),
      virtual: view.getBigUint64(at + 16, true),
      physical,
      fileBytes: Number(fileBytes),
      memoryBytes: Number(memoryBytes),
    });
  }
  if (segments.length === 0) throw new ElfError('it has no PT_LOAD segment: nothing of it goes into memory');
  return segments;
}

/** Names of the first symbol table; damaged ones are left out, since a guest runs without. */
function readSymbols(view: DataView, toPhysical: (address: bigint) => bigint): Map<string, bigint> {
  const symbols = new Map<string, bigint>();
  const sections = view.getBigUint64(40, true);
  const count = view.getUint16(60, true);
  const inFile = (offset: bigint, bytes: bigint) => offset + bytes <= BigInt(view.byteLength);
  if (view.getUint16(58, true) !== SECTION_BYTES || !inFile(sections, BigInt(count * SECTION_BYTES))) return symbols;
  const section = (index: number) => {
    const at = Number(sections) + index * SECTION_BYTES;
    return {
      type: view.getUint32(at + 4, true),
      offset: view.getBigUint64(at + 24, true),
      size: view.getBigUint64(at + 32, true),
      link: view.getUint32(at + 40, true),
    };
  };
  for (let index = 0; index < count; index++) {
    const { type, offset, size, link } = section(index);
    if (type !== SHT_SYMTAB || link >= count || !inFile(offset, size)) continue;
    const strings = section(link);
    if (!inFile(strings.offset, strings.size)) continue;
    const names = [Number(strings.offset), Number(strings.offset + strings.size)] as const;
    const last = Math.min(Math.floor(Number(size) / SYMBOL_BYTES), SYMBOL_LIMIT);
    for (let n = 1; n < last; n++) {
      const at = Number(offset) + n * SYMBOL_BYTES;
      const kind = view.getUint8(at + 4) & 15;
      const home = view.getUint16(at + 6, true);
      // STT_NOTYPE, STT_OBJECT and STT_FUNC; `$x` and `$d` only mark code and data (AAELF64).
      if (kind > 2 || home === SHN_UNDEF || home >= SHN_LORESERVE) continue;
      const name = readName(view, names[0] + view.getUint32(at, true), names[1]);
      if (name !== '' && !name.startsWith('$')) symbols.set(name, toPhysical(view.getBigUint64(at + 8, true)));
    }
    break;
  }
  return symbols;
}

function readName(view: DataView, from: number, end: number): string {
  let name = '';
  for (let at = from; at < end && name.length < NAME_LIMIT; at++) {
    const byte = view.getUint8(at);
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  return name;
}
