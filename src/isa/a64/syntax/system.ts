/** Operands of system instructions: named registers, barriers, prefetches, hints. */
import type { Spelling } from '../../syntax.ts';
import type { A64Field } from '../operands.ts';
import {
  PSTATE_FIELDS,
  pstateField,
  sysregByName,
  sysregEncoding,
  sysregKey,
  sysregName,
  SYSTEM_OPERATIONS,
} from '../sysreg-names.ts';
import { readAmount } from './modifiers.ts';
import type { A64Leaf } from './registers.ts';

export function sysregLeaf(direction: 'read' | 'write'): A64Leaf {
  return {
    print: (f) => sysregName(sysregKey(2 + f.o0, f.op1, f.CRn, f.CRm, f.op2), direction),
    parse(reader, fields) {
      if (reader.token.kind !== 'word') return reader.expected('a system register');
      const from = reader.position;
      const { text } = reader.next();
      const key = sysregByName(text);
      if (key === null) return reader.mismatch(`unknown system register "${text}"`, from);
      const { op0, ...rest } = sysregEncoding(key);
      if (op0 < 2) return reader.mismatch(`op0 of a system register is 2 or 3, not ${op0}`, from);
      Object.assign(fields, rest, { o0: op0 - 2 });
      return null;
    },
  };
}

export const pstateLeaf: A64Leaf = {
  print: (f) => pstateField(f)?.name ?? '',
  parse(reader, fields) {
    const found = PSTATE_FIELDS.find(({ name }) => name === reader.word);
    if (!found) return reader.expected(`a PSTATE field (${PSTATE_FIELDS.map(({ name }) => name).join(', ')})`);
    reader.position++;
    fields.op1 = found.op1;
    fields.op2 = found.op2;
    return null;
  },
};

/** `s0_0_c4_c15_5`: what binutils prints for a value the field doesn't have. */
export const genericPstateLeaf: A64Leaf = {
  print: (f) => sysregName(sysregKey(0, f.op1, 4, f.CRm, f.op2)),
  parse(reader, fields) {
    const key = sysregByName(reader.word);
    if (key === null) return reader.expected('a PSTATE field');
    const { op0, op1, CRn, CRm, op2 } = sysregEncoding(key);
    if (op0 !== 0 || CRn !== 4) return reader.expected('a PSTATE field');
    reader.position++;
    Object.assign(fields, { op1, CRm, op2 });
    return null;
  },
};

/** `C7`, as SYS has its CRn and CRm. */
export function controlLeaf(field: 'CRn' | 'CRm'): A64Leaf {
  return {
    print: (f) => `C${f[field]}`,
    parse(reader, fields) {
      const [, number] = /^c(\d|1[0-5])$/.exec(reader.word) ?? [];
      if (number === undefined) return reader.expected('one of C0 … C15');
      reader.position++;
      fields[field] = Number(number);
      return null;
    },
  };
}

/** A field with names for some values, which may be written as a number too. */
function namedLeaf(
  field: A64Field,
  names: readonly (string | null)[],
  what: string,
  number: (value: number) => string,
): A64Leaf {
  return {
    print: (f) => names[f[field]] ?? `#${number(f[field])}`,
    parse(reader, fields) {
      const named = names.indexOf(reader.word);
      if (reader.word !== '' && named >= 0) {
        reader.position++;
        fields[field] = named;
        return null;
      }
      if (reader.token.kind === 'word') return reader.expected(`${what} (${names.filter((name) => name).join(', ')})`);
      const value = readAmount(reader, what, 0, names.length - 1);
      if (typeof value !== 'number') return value;
      fields[field] = value;
      return null;
    },
  };
}

const twoDigits = (value: number) => `0x${value.toString(16).padStart(2, '0')}`;
const oneDigit = (value: number) => `0x${value.toString(16)}`;

const DOMAINS = ['osh', 'nsh', 'ish', ''];
const BARRIERS = DOMAINS.flatMap((domain) =>
  domain ? [null, `${domain}ld`, `${domain}st`, domain] : [null, 'ld', 'st', 'sy'],
);
export const barrierLeaf = namedLeaf('CRm', BARRIERS, 'a barrier', twoDigits);
export const isbLeaf = namedLeaf(
  'CRm',
  BARRIERS.map((name) => (name === 'sy' ? name : null)),
  'a barrier',
  oneDigit,
);

const PREFETCHES = Array.from({ length: 32 }, (_, value) => {
  const type = ['pld', 'pli', 'pst'][value >> 3];
  const level = (value >> 1) & 3;
  return type && level < 3 ? `${type}l${level + 1}${value & 1 ? 'strm' : 'keep'}` : null;
});
export const prefetchLeaf = namedLeaf('prfop', PREFETCHES, 'a prefetch', twoDigits);

/** CRm:op2 of the hints that have a name and are no row of their own. */
const HINT_NAMES: readonly (readonly [number, string])[] = [
  [0, 'nop'],
  [17, 'psb csync'],
  [18, 'tsb csync'],
  [20, 'csdb'],
  [22, 'clearbhb'],
];
export const BTI_SPELLINGS: readonly Spelling<A64Field>[] = ['', ' c', ' j', ' jc'].map((target, i2) => ({
  text: `bti${target}`,
  fields: { i2 },
}));
const hintFields = (number: number) => ({ CRm: number >> 3, op2: number & 7 });
export const HINT_SPELLINGS: readonly Spelling<A64Field>[] = HINT_NAMES.map(([number, text]) => ({
  text,
  fields: hintFields(number),
}));

export const hintLeaf: A64Leaf = {
  print: (f) => `#0x${(f.CRm * 8 + f.op2).toString(16)}`,
  parse(reader, fields) {
    const value = readAmount(reader, 'hint', 0, 127);
    if (typeof value !== 'number') return value;
    Object.assign(fields, hintFields(value));
    return null;
  },
};

/** `tlbi vae1is` and the like, by whether a register follows. */
export function operationSpellings(takesRegister: boolean): readonly Spelling<A64Field>[] {
  return SYSTEM_OPERATIONS.filter((operation) => operation.takesRegister === takesRegister).map(
    ({ mnemonic, name, key }) => {
      const { op1, CRn, CRm, op2 } = sysregEncoding(key);
      return { text: `${mnemonic} ${name}`, fields: { op1, CRn, CRm, op2 } };
    },
  );
}
