/** LDAPUR and STLUR (FEAT_LRCPC2), LDLAR and STLLR (FEAT_LOR): DDI 0487 C4.1, "Loads and Stores". */
import type { Transfer } from '../row.ts';
import { field, read, sp, write } from './operands.ts';
import { PLAIN, type A64Row } from './row.ts';
import { atOffset, orderedAccess } from './semantics/memory.ts';

type Access = 'load' | 'store';

function ordered(access: Access, bytes: 1 | 2 | 4 | 8, width: 32 | 64, signExtend = false): Transfer {
  return {
    ...PLAIN,
    access,
    bytes,
    width,
    signExtend,
    acquire: access === 'load',
    release: access === 'store',
  };
}

const operandsOf = (access: Access) => ({
  ...(access === 'load' ? { rd: write('Rt') } : { rm: read('Rt') }),
  rn: sp('Rn'),
});

/** Mnemonic, title, size:opc, what is transferred. */
const UNSCALED = [
  ['stlurb', '', '00', '00', ordered('store', 1, 32)],
  ['ldapurb', '', '00', '01', ordered('load', 1, 32)],
  ['ldapursb', ' (64-bit)', '00', '10', ordered('load', 1, 64, true)],
  ['ldapursb', ' (32-bit)', '00', '11', ordered('load', 1, 32, true)],
  ['stlurh', '', '01', '00', ordered('store', 2, 32)],
  ['ldapurh', '', '01', '01', ordered('load', 2, 32)],
  ['ldapursh', ' (64-bit)', '01', '10', ordered('load', 2, 64, true)],
  ['ldapursh', ' (32-bit)', '01', '11', ordered('load', 2, 32, true)],
  ['stlur', ' (32-bit)', '10', '00', ordered('store', 4, 32)],
  ['ldapur', ' (32-bit)', '10', '01', ordered('load', 4, 32)],
  ['ldapursw', '', '10', '10', ordered('load', 4, 64, true)],
  ['stlur', ' (64-bit)', '11', '00', ordered('store', 8, 64)],
  ['ldapur', ' (64-bit)', '11', '01', ordered('load', 8, 64)],
] as const;

const LIMITED = [
  ['b', '', '00', 1, 32],
  ['h', '', '01', 2, 32],
  ['', ' (32-bit)', '10', 4, 32],
  ['', ' (64-bit)', '11', 8, 64],
] as const;

const letter = (width: Transfer['width']) => (width === 64 ? 'X' : 'W');

export const ORDERED: readonly A64Row[] = [
  ...UNSCALED.map(([mnemonic, title, size, opc, transfer]): A64Row => ({
    name: `${mnemonic.toUpperCase()}${title}`,
    encoding: `${size} 011001 ${opc} 0 imm9:s9 00 Rn:5 Rt:5`,
    feature: 'FEAT_LRCPC2',
    syntax: `${mnemonic} <${letter(transfer.width)}t>, [<Xn|SP>{, <imm9>}]`,
    operands: { ...operandsOf(transfer.access === 'load' ? 'load' : 'store'), imm: field('imm9') },
    transfer,
    execute: atOffset,
  })),
  ...LIMITED.flatMap(([suffix, title, size, bytes, width]) =>
    (['store', 'load'] as const).map((access): A64Row => {
      const mnemonic = `${access === 'load' ? 'ldlar' : 'stllr'}${suffix}`;
      return {
        name: `${mnemonic.toUpperCase()}${title}`,
        encoding: `${size} 001000 1 ${access === 'load' ? 1 : 0} 0 (11111) 0 (11111) Rn:5 Rt:5`,
        feature: 'FEAT_LOR',
        syntax: `${mnemonic} <${letter(width)}t>, [<Xn|SP>]`,
        operands: operandsOf(access),
        transfer: ordered(access, bytes, width),
        execute: orderedAccess,
      };
    }),
  ),
];
