/** Loads and stores of general and SIMD&FP registers: DDI 0487 C4.1, "Loads and Stores". One row per register size and address form. */
import type { Transfer } from '../row.ts';
import { field, read, scaled, sp, v, write, type A64Field, type A64Fields } from './operands.ts';
import { accepts, PLAIN, type A64Row } from './row.ts';
import { atOffset, fromLiteral, postIndex, prefetch, preIndex, registerOffset } from './semantics/memory.ts';

/** One kind of single-register access: its mnemonics, the bits of size, V and opc, what it transfers. */
interface Access {
  /** `ldr` gives `ldur` and `ldtr` too: the suffix comes behind the stem. */
  readonly stem: 'ld' | 'st';
  readonly suffix: '' | 'b' | 'h' | 'sb' | 'sh' | 'sw';
  readonly title: string;
  readonly size: string;
  readonly V: '0' | '1';
  readonly opc: string;
  readonly bytes: Transfer['bytes'];
  readonly width: Transfer['width'];
  readonly register: 'Wt' | 'Xt' | 'Bt' | 'Ht' | 'St' | 'Dt' | 'Qt';
}

const ACCESSES: readonly Access[] = [
  { stem: 'st', suffix: 'b', title: '', size: '00', V: '0', opc: '00', bytes: 1, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: 'b', title: '', size: '00', V: '0', opc: '01', bytes: 1, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: 'sb', title: '64-bit, ', size: '00', V: '0', opc: '10', bytes: 1, width: 64, register: 'Xt' },
  { stem: 'ld', suffix: 'sb', title: '32-bit, ', size: '00', V: '0', opc: '11', bytes: 1, width: 32, register: 'Wt' },
  { stem: 'st', suffix: 'h', title: '', size: '01', V: '0', opc: '00', bytes: 2, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: 'h', title: '', size: '01', V: '0', opc: '01', bytes: 2, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: 'sh', title: '64-bit, ', size: '01', V: '0', opc: '10', bytes: 2, width: 64, register: 'Xt' },
  { stem: 'ld', suffix: 'sh', title: '32-bit, ', size: '01', V: '0', opc: '11', bytes: 2, width: 32, register: 'Wt' },
  { stem: 'st', suffix: '', title: '32-bit, ', size: '10', V: '0', opc: '00', bytes: 4, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: '', title: '32-bit, ', size: '10', V: '0', opc: '01', bytes: 4, width: 32, register: 'Wt' },
  { stem: 'ld', suffix: 'sw', title: '', size: '10', V: '0', opc: '10', bytes: 4, width: 64, register: 'Xt' },
  { stem: 'st', suffix: '', title: '64-bit, ', size: '11', V: '0', opc: '00', bytes: 8, width: 64, register: 'Xt' },
  { stem: 'ld', suffix: '', title: '64-bit, ', size: '11', V: '0', opc: '01', bytes: 8, width: 64, register: 'Xt' },
  {
    stem: 'st',
    suffix: '',
    title: 'SIMD&FP, 8-bit, ',
    size: '00',
    V: '1',
    opc: '00',
    bytes: 1,
    width: 'v',
    register: 'Bt',
  },
  {
    stem: 'ld',
    suffix: '',
    title: 'SIMD&FP, 8-bit, ',
    size: '00',
    V: '1',
    opc: '01',
    bytes: 1,
    width: 'v',
    register: 'Bt',
  },
  {
    stem: 'st',
    suffix: '',
    title: 'SIMD&FP, 16-bit, ',
    size: '01',
    V: '1',
    opc: '00',
    bytes: 2,
    width: 'v',
    register: 'Ht',
  },
  {
    stem: 'ld',
    suffix: '',
    title: 'SIMD&FP, 16-bit, ',
    size: '01',
    V: '1',
    opc: '01',
    bytes: 2,
    width: 'v',
    register: 'Ht',
  },
  {
    stem: 'st',
    suffix: '',
    title: 'SIMD&FP, 32-bit, ',
    size: '10',
    V: '1',
    opc: '00',
    bytes: 4,
    width: 'v',
    register: 'St',
  },
  {
    stem: 'ld',
    suffix: '',
    title: 'SIMD&FP, 32-bit, ',
    size: '10',
    V: '1',
    opc: '01',
    bytes: 4,
    width: 'v',
    register: 'St',
  },
  {
    stem: 'st',
    suffix: '',
    title: 'SIMD&FP, 64-bit, ',
    size: '11',
    V: '1',
    opc: '00',
    bytes: 8,
    width: 'v',
    register: 'Dt',
  },
  {
    stem: 'ld',
    suffix: '',
    title: 'SIMD&FP, 64-bit, ',
    size: '11',
    V: '1',
    opc: '01',
    bytes: 8,
    width: 'v',
    register: 'Dt',
  },
  {
    stem: 'st',
    suffix: '',
    title: 'SIMD&FP, 128-bit, ',
    size: '00',
    V: '1',
    opc: '10',
    bytes: 16,
    width: 'v',
    register: 'Qt',
  },
  {
    stem: 'ld',
    suffix: '',
    title: 'SIMD&FP, 128-bit, ',
    size: '00',
    V: '1',
    opc: '11',
    bytes: 16,
    width: 'v',
    register: 'Qt',
  },
];

/** Register offsets extend a W register (UXTW, SXTW) or take an X register (LSL, SXTX); other options are UNDEFINED. */
const isOffsetOption = (f: A64Fields) => (f.option & 2) !== 0;
const OFFSET_VARIANT: readonly A64Field[] = ['option'];
const offsetOperands = (scale: number) => ({
  rn: sp('Rn'),
  rx: read('Rm'),
  imm: (f: A64Fields) => BigInt(f.S * scale),
});

function singleRows(a: Access): A64Row[] {
  const scale = Math.log2(a.bytes);
  const prefix = `${a.size} 111 ${a.V}`;
  const name = (stem: string, form: string) => `${stem}R${a.suffix} (${a.title}${form})`.toUpperCase();
  const data = a.V === '1' ? v('Rt') : a.stem === 'ld' ? write('Rt') : read('Rt');
  const register = a.stem === 'ld' ? { rd: data } : { rm: data };
  const base = { ...register, rn: sp('Rn') };
  const transfer: Transfer = {
    ...PLAIN,
    access: a.stem === 'ld' ? 'load' : 'store',
    bytes: a.bytes,
    width: a.width,
    signExtend: a.suffix.startsWith('s'),
  };
  const plain = `${a.stem}r${a.suffix} <${a.register}>, `;
  const unscaled = `${a.stem}ur${a.suffix} <${a.register}>, [<Xn|SP>{, <imm9>}]`;
  const rows: A64Row[] = [
    {
      name: name(a.stem, 'unsigned offset'),
      encoding: `${prefix} 01 ${a.opc} imm12:12 Rn:5 Rt:5`,
      syntax: `${plain}[<Xn|SP>{, <imm12*${a.bytes}>}]`,
      operands: { ...base, imm: scaled('imm12', scale) },
      transfer,
      execute: atOffset,
    },
    {
      name: name(a.stem, 'post-index'),
      encoding: `${prefix} 00 ${a.opc} 0 imm9:s9 01 Rn:5 Rt:5`,
      syntax: `${plain}[<Xn|SP>], <imm9>`,
      operands: { ...base, wb: sp('Rn'), imm: field('imm9') },
      transfer: { ...transfer, writeback: true },
      execute: postIndex,
    },
    {
      name: name(a.stem, 'pre-index'),
      encoding: `${prefix} 00 ${a.opc} 0 imm9:s9 11 Rn:5 Rt:5`,
      syntax: `${plain}[<Xn|SP>, <imm9>]!`,
      operands: { ...base, wb: sp('Rn'), imm: field('imm9') },
      transfer: { ...transfer, writeback: true },
      execute: preIndex,
    },
    {
      name: name(a.stem, 'register offset'),
      encoding: `${prefix} 00 ${a.opc} 1 Rm:5 option:3 S 10 Rn:5 Rt:5`,
      valid: isOffsetOption,
      syntax: `${plain}[<Xn|SP>, <offset:${scale}>]`,
      operands: { ...register, ...offsetOperands(scale) },
      variant: OFFSET_VARIANT,
      transfer,
      execute: registerOffset,
    },
    {
      name: name(`${a.stem}U`, 'unscaled offset'),
      encoding: `${prefix} 00 ${a.opc} 0 imm9:s9 00 Rn:5 Rt:5`,
      syntax: unscaled,
      aliases: [accepts(`${plain}[<Xn|SP>, <imm9>]`)],
      operands: { ...base, imm: field('imm9') },
      transfer,
      execute: atOffset,
    },
  ];
  if (a.V === '0') {
    rows.push({
      name: name(`${a.stem}T`, 'unprivileged'),
      encoding: `${prefix} 00 ${a.opc} 0 imm9:s9 10 Rn:5 Rt:5`,
      syntax: `${a.stem}tr${a.suffix} <${a.register}>, [<Xn|SP>{, <imm9>}]`,
      operands: { ...base, imm: field('imm9') },
      transfer: { ...transfer, unprivileged: true },
      execute: atOffset,
    });
  }
  return rows;
}

const PREFETCH: Transfer = { ...PLAIN, access: 'prefetch', bytes: 8, width: 64 };

const PREFETCH_ROWS: readonly A64Row[] = [
  {
    name: 'PRFM (immediate)',
    encoding: '11 111 0 01 10 imm12:12 Rn:5 prfop:5',
    syntax: 'prfm <prfop>, [<Xn|SP>{, <imm12*8>}]',
    operands: { rn: sp('Rn'), imm: scaled('imm12', 3) },
    transfer: PREFETCH,
    execute: prefetch,
  },
  {
    name: 'PRFUM',
    encoding: '11 111 0 00 10 0 imm9:s9 00 Rn:5 prfop:5',
    syntax: 'prfum <prfop>, [<Xn|SP>{, <imm9>}]',
    aliases: [accepts('prfm <prfop>, [<Xn|SP>, <imm9>]')],
    operands: { rn: sp('Rn'), imm: field('imm9') },
    transfer: PREFETCH,
    execute: prefetch,
  },
  {
    name: 'PRFM (register)',
    encoding: '11 111 0 00 10 1 Rm:5 option:3 S 10 Rn:5 prfop:5',
    valid: isOffsetOption,
    syntax: 'prfm <prfop>, [<Xn|SP>, <offset:3>]',
    operands: offsetOperands(3),
    variant: OFFSET_VARIANT,
    transfer: PREFETCH,
    execute: prefetch,
  },
  {
    name: 'PRFM (literal)',
    encoding: '11 011 0 00 imm19:s19 prfop:5',
    syntax: 'prfm <prfop>, <label:imm19>',
    operands: { imm: scaled('imm19', 2) },
    transfer: PREFETCH,
    execute: prefetch,
  },
];

const LITERAL_ROWS: readonly A64Row[] = (
  [
    ['LDR (32-bit, literal)', '00', '0', 'ldr <Wt>', 4, 32],
    ['LDR (64-bit, literal)', '01', '0', 'ldr <Xt>', 8, 64],
    ['LDRSW (literal)', '10', '0', 'ldrsw <Xt>', 4, 64],
    ['LDR (SIMD&FP, 32-bit, literal)', '00', '1', 'ldr <St>', 4, 'v'],
    ['LDR (SIMD&FP, 64-bit, literal)', '01', '1', 'ldr <Dt>', 8, 'v'],
    ['LDR (SIMD&FP, 128-bit, literal)', '10', '1', 'ldr <Qt>', 16, 'v'],
  ] as const
).map(([name, opc, V, syntax, bytes, width]): A64Row => ({
  name,
  encoding: `${opc} 011 ${V} 00 imm19:s19 Rt:5`,
  syntax: `${syntax}, <label:imm19>`,
  operands: { rd: width === 'v' ? v('Rt') : write('Rt'), imm: scaled('imm19', 2) },
  transfer: { ...PLAIN, access: 'load', bytes, width, signExtend: name.startsWith('LDRSW') },
  execute: fromLiteral,
}));

/** opc and V, bytes per register, register letter. LDPSW has no store and no non-temporal form. */
const PAIRS = [
  { title: '32-bit, ', opc: '00', V: '0', bytes: 4, width: 32, letter: 'W', signed: false },
  { title: '', opc: '01', V: '0', bytes: 4, width: 64, letter: 'X', signed: true },
  { title: '64-bit, ', opc: '10', V: '0', bytes: 8, width: 64, letter: 'X', signed: false },
  { title: 'SIMD&FP, 32-bit, ', opc: '00', V: '1', bytes: 4, width: 'v', letter: 'S', signed: false },
  { title: 'SIMD&FP, 64-bit, ', opc: '01', V: '1', bytes: 8, width: 'v', letter: 'D', signed: false },
  { title: 'SIMD&FP, 128-bit, ', opc: '10', V: '1', bytes: 16, width: 'v', letter: 'Q', signed: false },
] as const;

const PAIR_FORMS = [
  {
    form: 'signed offset',
    execute: atOffset,
    bits: '010',
    infix: 'p',
    address: (imm: string) => `[<Xn|SP>{, ${imm}}]`,
    writeback: false,
  },
  {
    form: 'post-index',
    execute: postIndex,
    bits: '001',
    infix: 'p',
    address: (imm: string) => `[<Xn|SP>], ${imm}`,
    writeback: true,
  },
  {
    form: 'pre-index',
    execute: preIndex,
    bits: '011',
    infix: 'p',
    address: (imm: string) => `[<Xn|SP>, ${imm}]!`,
    writeback: true,
  },
  {
    form: 'non-temporal',
    execute: atOffset,
    bits: '000',
    infix: 'np',
    address: (imm: string) => `[<Xn|SP>{, ${imm}}]`,
    writeback: false,
  },
] as const;

function pairRow(pair: (typeof PAIRS)[number], form: (typeof PAIR_FORMS)[number], load: boolean): A64Row {
  const mnemonic = `${load ? 'ld' : 'st'}${form.infix}${pair.signed ? 'sw' : ''}`;
  const registers =
    pair.V === '1'
      ? load
        ? { rd: v('Rt'), rd2: v('Rt2') }
        : { rm: v('Rt'), rm2: v('Rt2') }
      : load
        ? { rd: write('Rt'), rd2: write('Rt2') }
        : { rm: read('Rt'), rm2: read('Rt2') };
  const base = { ...registers, rn: sp('Rn'), imm: scaled('imm7', Math.log2(pair.bytes)) };
  return {
    name: `${mnemonic.toUpperCase()} (${pair.title}${form.form})`,
    encoding: `${pair.opc} 101 ${pair.V} ${form.bits} ${load ? 1 : 0} imm7:s7 Rt2:5 Rn:5 Rt:5`,
    syntax: `${mnemonic} <${pair.letter}t>, <${pair.letter}t2>, ${form.address(`<imm7*${pair.bytes}>`)}`,
    operands: form.writeback ? { ...base, wb: sp('Rn') } : base,
    transfer: {
      ...PLAIN,
      access: load ? 'load' : 'store',
      registers: 2,
      bytes: pair.bytes,
      width: pair.width,
      signExtend: pair.signed,
      writeback: form.writeback,
    },
    execute: form.execute,
  };
}

const PAIR_ROWS: readonly A64Row[] = PAIRS.flatMap((pair) =>
  PAIR_FORMS.filter((form) => !(pair.signed && form.infix === 'np')).flatMap((form) =>
    (pair.signed ? [true] : [false, true]).map((load) => pairRow(pair, form, load)),
  ),
);

export const LOAD_STORE: readonly A64Row[] = [
  ...ACCESSES.flatMap(singleRows),
  ...PREFETCH_ROWS,
  ...LITERAL_ROWS,
  ...PAIR_ROWS,
];
