/** Exclusives, acquire and release, and the LSE atomics: DDI 0487 C4.1, "Loads and Stores". One row per register size. */
import type { Transfer } from '../row.ts';
import { read, readPair, sp, write, writePair } from './operands.ts';
import { as, PLAIN, type A64Row } from './row.ts';
import { atomic, compareAndSwap } from './semantics/atomic.ts';
import { orderedAccess, storeExclusive } from './semantics/memory.ts';

const SIZES = [
  { suffix: 'b', title: '', bits: '00', bytes: 1, width: 32, letter: 'W' },
  { suffix: 'h', title: '', bits: '01', bytes: 2, width: 32, letter: 'W' },
  { suffix: '', title: ' (32-bit)', bits: '10', bytes: 4, width: 32, letter: 'W' },
  { suffix: '', title: ' (64-bit)', bits: '11', bytes: 8, width: 64, letter: 'X' },
] as const;
type Size = (typeof SIZES)[number];

const transfer = (size: Size, rest: Partial<Transfer> & Pick<Transfer, 'access'>): Transfer => ({
  ...PLAIN,
  bytes: size.bytes,
  width: size.width,
  ...rest,
});

const BASE = { rn: sp('Rn') };
const LOADED = { rd: write('Rt') };
const STORED = { rm: read('Rt') };
/** The status register of a store-exclusive is written, 0 where it stored. */
const STATUS = { rd: write('Rs') };

function exclusiveRows(size: Size): A64Row[] {
  const { suffix, bits, letter } = size;
  const t = `<${letter}t>`;
  const row = (
    mnemonic: string,
    encoding: string,
    registers: string,
    operands: A64Row['operands'],
    rest: Partial<Transfer> & Pick<Transfer, 'access'>,
  ): A64Row => ({
    name: `${(mnemonic + suffix).toUpperCase()}${size.title}`,
    encoding: `${bits} 001000 ${encoding} Rn:5 Rt:5`,
    syntax: `${mnemonic}${suffix} ${registers}, [<Xn|SP>]`,
    operands: { ...operands, ...BASE },
    transfer: transfer(size, rest),
    execute: rest.exclusive && rest.access === 'store' ? storeExclusive : orderedAccess,
  });
  return [
    row('stxr', '0 0 0 Rs:5 0 (11111)', `<Ws>, ${t}`, { ...STORED, ...STATUS }, { access: 'store', exclusive: true }),
    row(
      'stlxr',
      '0 0 0 Rs:5 1 (11111)',
      `<Ws>, ${t}`,
      { ...STORED, ...STATUS },
      { access: 'store', exclusive: true, release: true },
    ),
    row('ldxr', '0 1 0 (11111) 0 (11111)', t, LOADED, { access: 'load', exclusive: true }),
    row('ldaxr', '0 1 0 (11111) 1 (11111)', t, LOADED, { access: 'load', exclusive: true, acquire: true }),
    row('stlr', '1 0 0 (11111) 1 (11111)', t, STORED, { access: 'store', release: true }),
    row('ldar', '1 1 0 (11111) 1 (11111)', t, LOADED, { access: 'load', acquire: true }),
    {
      ...row('ldapr', '', t, LOADED, { access: 'load', acquire: true }),
      encoding: `${bits} 111 0 00 1 0 1 (11111) 1 100 00 Rn:5 Rt:5`,
      feature: 'FEAT_LRCPC',
    },
  ];
}

function exclusivePairRows(size: Size): A64Row[] {
  const { bits, letter } = size;
  const registers = `<${letter}t>, <${letter}t2>`;
  const loaded = { ...LOADED, rd2: write('Rt2') };
  const stored = { ...STORED, ...STATUS, rm2: read('Rt2') };
  return (
    [
      ['stxp', '0 0 1 Rs:5 0', `<Ws>, ${registers}`, stored, 'store', false],
      ['stlxp', '0 0 1 Rs:5 1', `<Ws>, ${registers}`, stored, 'store', true],
      ['ldxp', '0 1 1 (11111) 0', registers, loaded, 'load', false],
      ['ldaxp', '0 1 1 (11111) 1', registers, loaded, 'load', true],
    ] as const
  ).map(([mnemonic, encoding, text, operands, access, ordered]): A64Row => ({
    name: `${mnemonic.toUpperCase()}${size.title}`,
    encoding: `${bits} 001000 ${encoding} Rt2:5 Rn:5 Rt:5`,
    syntax: `${mnemonic} ${text}, [<Xn|SP>]`,
    operands: { ...operands, ...BASE },
    transfer: transfer(size, {
      access,
      registers: 2,
      exclusive: true,
      acquire: ordered && access === 'load',
      release: ordered && access === 'store',
    }),
    execute: access === 'store' ? storeExclusive : orderedAccess,
  }));
}

/** The order of an atomic is its fields A and R; `<AR>` in the mnemonic stands for its letters. */
const ATOMIC = { access: 'loadStore' } as const;
const FEATURE = 'FEAT_LSE';

function compareAndSwapRow(size: Size): A64Row {
  const { suffix, bits, letter, title } = size;
  return {
    name: `CAS${suffix.toUpperCase()}${title}`,
    encoding: `${bits} 001000 1 A 1 Rs:5 R 11111 Rn:5 Rt:5`,
    feature: FEATURE,
    syntax: `cas<AR>${suffix} <${letter}s>, <${letter}t>, [<Xn|SP>]`,
    /* Compared with ra, replaced by rm; rd takes what was there. */
    operands: { rd: write('Rs'), ra: read('Rs'), rm: read('Rt'), ...BASE },
    transfer: transfer(size, ATOMIC),
    execute: compareAndSwap,
  };
}

const COMPARE_PAIR_ROWS: readonly A64Row[] = [SIZES[2], SIZES[3]].map((size, index): A64Row => {
  const { letter, title } = size;
  return {
    name: `CASP${title}`,
    encoding: `0${index} 001000 0 A 1 Rs:5 R 11111 Rn:5 Rt:5`,
    valid: (f) => f.Rs % 2 === 0 && f.Rt % 2 === 0,
    feature: FEATURE,
    syntax: `casp<AR> <${letter}s>, <${letter}s+1>, <${letter}t>, <${letter}t+1>, [<Xn|SP>]`,
    operands: {
      rd: write('Rs'),
      rd2: writePair('Rs'),
      ra: read('Rs'),
      ra2: readPair('Rs'),
      rm: read('Rt'),
      rm2: readPair('Rt'),
      ...BASE,
    },
    transfer: transfer(size, { ...ATOMIC, registers: 2 }),
    execute: compareAndSwap,
  };
});

/** What it does, o3:opc. Without a register to load into, and no acquire, it is written as a store. */
const OPERATIONS = [
  ['ldadd', 'add', '0 000', 'stadd'],
  ['ldclr', 'clr', '0 001', 'stclr'],
  ['ldeor', 'eor', '0 010', 'steor'],
  ['ldset', 'set', '0 011', 'stset'],
  ['ldsmax', 'smax', '0 100', 'stsmax'],
  ['ldsmin', 'smin', '0 101', 'stsmin'],
  ['ldumax', 'umax', '0 110', 'stumax'],
  ['ldumin', 'umin', '0 111', 'stumin'],
  ['swp', 'swp', '1 000', null],
] as const;

function atomicRow(size: Size, [mnemonic, operation, bits, store]: (typeof OPERATIONS)[number]): A64Row {
  const { suffix, letter } = size;
  return {
    name: `${(mnemonic + suffix).toUpperCase()}${size.title}`,
    encoding: `${size.bits} 111 0 00 A R 1 Rs:5 ${bits} 00 Rn:5 Rt:5`,
    feature: FEATURE,
    syntax: `${mnemonic}<AR>${suffix} <${letter}s>, <${letter}t>, [<Xn|SP>]`,
    aliases: store ? [as(`${store}<R>${suffix} <${letter}s>, [<Xn|SP>]`, { Rt: 31, A: 0 })] : [],
    operands: { rd: write('Rt'), rm: read('Rs'), ...BASE },
    transfer: transfer(size, ATOMIC),
    execute: atomic(operation),
  };
}

export const ATOMICS: readonly A64Row[] = [
  ...SIZES.flatMap(exclusiveRows),
  ...[SIZES[2], SIZES[3]].flatMap(exclusivePairRows),
  ...SIZES.map(compareAndSwapRow),
  ...COMPARE_PAIR_ROWS,
  ...OPERATIONS.flatMap((operation) => SIZES.map((size) => atomicRow(size, operation))),
];
