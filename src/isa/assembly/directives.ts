/** What begins with a dot and is no block. */
import { DATA } from './data.ts';
import { fillByte, HIGH, number, refuse, symbolName, type Directive, type Named } from './operands.ts';
import { isMismatch, type Mismatch } from './reader.ts';

const MAX_ALIGNMENT_LOG2 = 16n;

/** `alignment, fill, most`; `log2`: the alignment is written as a power of two. */
function align(log2: boolean): Directive {
  return (pass, statement, reader) => {
    const from = reader.position;
    const written = number(reader, 'alignment', log2 ? MAX_ALIGNMENT_LOG2 : 1n << MAX_ALIGNMENT_LOG2, 0n);
    if (isMismatch(written)) return written;
    const alignment = log2 ? 1n << written : written || 1n;
    if (!isPowerOfTwo(alignment)) return reader.mismatch(`${alignment} is no power of two`, from);
    let [value, most]: [bigint | Mismatch | null, bigint | Mismatch] = [null, HIGH];
    if (reader.take(',') && reader.token.text !== ',') value = number(reader, 'fill value', 0xffn, 0n);
    if (value !== null && isMismatch(value)) return value;
    if (reader.take(',')) most = number(reader, 'limit', HIGH, HIGH);
    if (isMismatch(most)) return most;
    pass.align(statement, Number(alignment), value === null ? null : Number(value), Number(most));
    return null;
  };
}

/** `.org place, fill`: an address, or an offset from the section's start. */
const org: Directive = (pass, statement, reader) => {
  const from = reader.position;
  const value = reader.expression();
  if (isMismatch(value)) return value;
  const { base, size } = pass.section;
  const offset = reader.namedAddress && value >= base ? value - base : value;
  if (offset < BigInt(size)) {
    return reader.mismatch(`.org can't go back: ${offset} is before the current offset ${size}`, from);
  }
  const filler = fillByte(reader);
  if (isMismatch(filler)) return filler;
  const gap = offset - BigInt(size);
  if (pass.reserve(statement, gap)) pass.section.grow(Number(gap), Number(filler));
  return null;
};

/** `.set name, value`; `once`: not where it has a value already. */
function set(once: boolean): Directive {
  return (pass, statement, reader) => {
    const name = symbolName(reader);
    if (typeof name !== 'string') return name;
    if (!reader.take(',')) return reader.expected('"," and a value');
    pass.assign(statement, name, reader, once);
    while (!reader.atEnd) reader.next();
    return null;
  };
}

/** `name, size, alignment` in `.bss`. */
const common: Directive = (pass, statement, reader) => {
  const column = reader.token.column;
  const name = symbolName(reader);
  if (typeof name !== 'string') return name;
  if (!reader.take(',')) return reader.expected('"," and a size');
  const size = number(reader, 'size', HIGH, null);
  if (isMismatch(size)) return size;
  const from = reader.position + 1;
  const alignment = reader.take(',')
    ? number(reader, 'alignment', 1n << MAX_ALIGNMENT_LOG2, 1n)
    : naturalAlignment(size);
  if (isMismatch(alignment)) return alignment;
  if (!isPowerOfTwo(alignment)) return reader.mismatch(`${alignment} is no power of two`, from);
  pass.pushSection();
  pass.useSection(statement, '.bss');
  pass.align(statement, Number(alignment), 0, Number(HIGH));
  pass.defineLabel(statement, name, column);
  if (pass.reserve(statement, size)) pass.section.grow(Number(size));
  pass.popSection();
  return null;
};
/** The largest that the size has room for, up to 16. */
const naturalAlignment = (size: bigint) => [16n, 8n, 4n, 2n].find((alignment) => size >= alignment) ?? 1n;
const isPowerOfTwo = (value: bigint) => value > 0n && (value & (value - 1n)) === 0n;

const MOST_SUBSECTIONS = 8192n;

/** `name, subsection, "flags", …`: a section whose flags are written and have no `a` is not part of the image. */
const section: Directive = (pass, statement, reader) => {
  const { kind } = reader.token;
  if (kind !== 'word' && kind !== 'string') return reader.expected('a section');
  let name = kind === 'string' ? reader.next().text.slice(1, -1) : '';
  while (!reader.atEnd && reader.token.text !== ',') name += reader.next().text;
  let part: bigint | Mismatch = 0n;
  if (reader.token.text === ',' && reader.following.kind === 'number') {
    reader.next();
    part = number(reader, 'subsection', MOST_SUBSECTIONS, 0n);
    if (isMismatch(part)) return part;
  }
  const flags = reader.take(',') && reader.token.kind === 'string' ? reader.token.text : 'a';
  while (!reader.atEnd) reader.next();
  pass.useSection(statement, name, Number(part), flags.includes('a'));
  return null;
};
const pushSection: Directive = (pass, statement, reader) => {
  pass.pushSection();
  return section(pass, statement, reader);
};
const popSection: Directive = (pass, statement, reader) =>
  pass.popSection() ? null : refuse(pass, statement, reader, '.popsection without .pushsection');
const previous: Directive = (pass) => {
  pass.previousSection();
  return null;
};

/** `.text n`, and `.subsection n` of the section in use. */
function subsection(name: string | null): Directive {
  return (pass, statement, reader) => {
    const part = number(reader, 'subsection', MOST_SUBSECTIONS, name === null ? null : 0n);
    if (isMismatch(part)) return part;
    pass.useSection(statement, name ?? pass.section.name, Number(part), name !== null || pass.section.loaded);
    return null;
  };
}

const unreq: Directive = (pass, _statement, reader) => {
  const from = reader.position;
  const name = symbolName(reader);
  if (typeof name !== 'string') return name;
  return pass.aliases.remove(name) ? null : reader.mismatch(`"${name}" is no name of a register by .req`, from);
};

const purgem: Directive = (pass, _statement, reader) => {
  const from = reader.position;
  const name = symbolName(reader);
  if (typeof name !== 'string') return name;
  return pass.macros.delete(name.toLowerCase()) ? null : reader.mismatch(`there is no macro "${name}"`, from);
};

const exitm: Directive = (pass, statement, reader) =>
  pass.leaveBody() ? null : refuse(pass, statement, reader, '.exitm outside of a macro or a repetition');

const end: Directive = (pass) => {
  pass.stop();
  return null;
};

/** `.error "text"`, `.err` */
const error: Directive = (pass, statement, reader) => {
  const { kind, text } = reader.token;
  return refuse(pass, statement, reader, kind === 'string' ? text.slice(1, -1) : 'the source says so: .err');
};

const ltorg: Directive = (pass, statement) => {
  pass.flushLiterals(statement);
  return null;
};

/** For linkers and debuggers: taken and without effect here. */
const ignored: Directive = (_pass, _statement, reader) => {
  while (!reader.atEnd) reader.next();
  return null;
};
const IGNORED = [
  ...'global globl extern local weak hidden internal protected symver type size ident version'.split(' '),
  ...'file loc line ln func endfunc arch arch_extension cpu variant_pcs print warning'.split(' '),
  ...'startproc endproc sections def_cfa def_cfa_offset def_cfa_register adjust_cfa_offset offset rel_offset restore'
    .concat(
      ' remember_state restore_state undefined same_value val_offset escape window_save label personality lsda return_column signal_frame b_key_frame negate_ra_state',
    )
    .split(' ')
    .map((name) => `cfi_${name}`),
];

const refused =
  (why: string): Directive =>
  (pass, statement, reader) =>
    refuse(pass, statement, reader, why);
/** Of GNU as, and not read here. */
const NOT_READ = [
  'altmacro noaltmacro abort eqv reloc weakref struct offset nops string8 string16 string32 string64',
  'balignw balignl p2alignw p2alignl dc dc.b dc.w dc.l dc.a dc.s dc.d dcb dcb.b dcb.w dcb.l ds ds.b ds.w ds.l',
]
  .join(' ')
  .split(' ');

const stray = (name: string, opener: string): Named => [name, refused(`${name} without ${opener}`)];
const all = (names: string, directive: Directive): Named[] => names.split(' ').map((name) => [name, directive]);

export const DIRECTIVES: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  ...DATA,
  ...['.text', '.data', '.bss', '.rodata'].map((name): Named => [name, subsection(name)]),
  ['.section', section],
  ['.subsection', subsection(null)],
  ['.pushsection', pushSection],
  ['.popsection', popSection],
  ['.previous', previous],
  ['.comm', common],
  ['.lcomm', common],
  ...all('.align .p2align', align(true)),
  ['.balign', align(false)],
  ['.org', org],
  ...all('.set .equ', set(false)),
  ['.equiv', set(true)],
  ['.unreq', unreq],
  ...all('.ltorg .pool', ltorg),
  ['.purgem', purgem],
  ['.exitm', exitm],
  ...all('.err .error', error),
  ['.end', end],
  ...IGNORED.map((name): Named => [`.${name}`, ignored]),
  ...['.include', '.incbin'].map((name): Named => [name, refused(`${name}: there are no files here`)]),
  ...NOT_READ.map((name): Named => [`.${name}`, refused(`.${name} is a directive of GNU as that is not read here`)]),
  stray('.endm', '.macro'),
  stray('.endr', '.rept'),
  stray('.else', '.if'),
  stray('.elseif', '.if'),
  stray('.endif', '.if'),
]);
