/**
 * AES, SHA-1, SHA-2, SHA-3, SM3, SM4: DDI 0487 C4.1, "Cryptographic AES", "Cryptographic two-register", "three-register",
 * "four-register" and XAR.
 */
import { field, joinedField, v } from './operands.ts';
import type { A64Row } from './row.ts';
import * as aes from './semantics/crypto/aes.ts';
import * as sha1 from './semantics/crypto/sha1.ts';
import * as sha256 from './semantics/crypto/sha256.ts';
import * as sha3 from './semantics/crypto/sha3.ts';
import * as sha512 from './semantics/crypto/sha512.ts';
import * as sm3 from './semantics/crypto/sm3.ts';
import * as sm4 from './semantics/crypto/sm4.ts';
import { element } from './semantics/simd/element.ts';
import { accumulating, binary, unary, unaryInto, wholeVectors, type Semantics } from './semantics/simd/lanes.ts';
import { BINARY, INTO, UNARY } from './simd-row.ts';

const BYTES = '<Vd.16b>, <Vn.16b>';
const FOUR = '<Vd.4s>, <Vn.4s>';
const TWO = '<Vd.2d>, <Vn.2d>';

type Entry = readonly [mnemonic: string, encoding: string, syntax: string, semantics: Semantics];

/** By extension. */
const ENTRIES: Readonly<Record<string, readonly Entry[]>> = {
  FEAT_AES: [
    ['aese', '01001110 00 10100 00100 10', BYTES, unaryInto(aes.encrypt)],
    ['aesd', '01001110 00 10100 00101 10', BYTES, unaryInto(aes.decrypt)],
    ['aesmc', '01001110 00 10100 00110 10', BYTES, unary(aes.mix)],
    ['aesimc', '01001110 00 10100 00111 10', BYTES, unary(aes.inverseMix)],
  ],
  FEAT_SHA1: [
    ['sha1h', '01011110 00 10100 00000 10', '<Sd>, <Sn>', unary(sha1.fixedRotate)],
    ['sha1su1', '01011110 00 10100 00001 10', FOUR, unaryInto(sha1.scheduleSecond)],
    ['sha1c', '01011110 00 0 Rm:5 0 000 00', '<Qd>, <Sn>, <Vm.4s>', accumulating(sha1.hashChoose)],
    ['sha1p', '01011110 00 0 Rm:5 0 001 00', '<Qd>, <Sn>, <Vm.4s>', accumulating(sha1.hashParity)],
    ['sha1m', '01011110 00 0 Rm:5 0 010 00', '<Qd>, <Sn>, <Vm.4s>', accumulating(sha1.hashMajority)],
    ['sha1su0', '01011110 00 0 Rm:5 0 011 00', `${FOUR}, <Vm.4s>`, accumulating(sha1.scheduleFirst)],
  ],
  FEAT_SHA256: [
    ['sha256su0', '01011110 00 10100 00010 10', FOUR, unaryInto(sha256.scheduleFirst)],
    ['sha256h', '01011110 00 0 Rm:5 0 100 00', '<Qd>, <Qn>, <Vm.4s>', accumulating(sha256.hashFirst)],
    ['sha256h2', '01011110 00 0 Rm:5 0 101 00', '<Qd>, <Qn>, <Vm.4s>', accumulating(sha256.hashSecond)],
    ['sha256su1', '01011110 00 0 Rm:5 0 110 00', `${FOUR}, <Vm.4s>`, accumulating(sha256.scheduleSecond)],
  ],
  FEAT_SHA512: [
    ['sha512h', '11001110 011 Rm:5 1 0 00 00', '<Qd>, <Qn>, <Vm.2d>', accumulating(sha512.hashFirst)],
    ['sha512h2', '11001110 011 Rm:5 1 0 00 01', '<Qd>, <Qn>, <Vm.2d>', accumulating(sha512.hashSecond)],
    ['sha512su1', '11001110 011 Rm:5 1 0 00 10', `${TWO}, <Vm.2d>`, accumulating(sha512.scheduleSecond)],
    ['sha512su0', '11001110 110 00000 1 0 00 00', TWO, unaryInto(sha512.scheduleFirst)],
  ],
  FEAT_SHA3: [
    ['eor3', '11001110 000 Rm:5 0 Ra:5', `${BYTES}, <Vm.16b>, <Va.16b>`, accumulating(sha3.xorThree)],
    ['bcax', '11001110 001 Rm:5 0 Ra:5', `${BYTES}, <Vm.16b>, <Va.16b>`, accumulating(sha3.bitClearAndXor)],
    ['rax1', '11001110 011 Rm:5 1 0 00 11', `${TWO}, <Vm.2d>`, binary(sha3.rotateAndXor)],
  ],
  FEAT_SM3: [
    ['sm3ss1', '11001110 010 Rm:5 0 Ra:5', `${FOUR}, <Vm.4s>, <Va.4s>`, accumulating(sm3.sum)],
    ['sm3tt1a', '11001110 010 Rm:5 10 i2:2 00', `${FOUR}, <Vm.s[i2]>`, accumulating(sm3.step1A)],
    ['sm3tt1b', '11001110 010 Rm:5 10 i2:2 01', `${FOUR}, <Vm.s[i2]>`, accumulating(sm3.step1B)],
    ['sm3tt2a', '11001110 010 Rm:5 10 i2:2 10', `${FOUR}, <Vm.s[i2]>`, accumulating(sm3.step2A)],
    ['sm3tt2b', '11001110 010 Rm:5 10 i2:2 11', `${FOUR}, <Vm.s[i2]>`, accumulating(sm3.step2B)],
    ['sm3partw1', '11001110 011 Rm:5 1 1 00 00', `${FOUR}, <Vm.4s>`, accumulating(sm3.scheduleFirst)],
    ['sm3partw2', '11001110 011 Rm:5 1 1 00 01', `${FOUR}, <Vm.4s>`, accumulating(sm3.scheduleSecond)],
  ],
  FEAT_SM4: [
    ['sm4e', '11001110 110 00000 1 0 00 01', FOUR, unaryInto(sm4.encrypt)],
    ['sm4ekey', '11001110 011 Rm:5 1 1 00 10', `${FOUR}, <Vm.4s>`, binary(sm4.expandKey)],
  ],
};

/** What the encoding has: a third source beside the destination, the number of a word of the second. */
function rowOf(feature: string, [mnemonic, encoding, syntax, semantics]: Entry): A64Row {
  const has = (name: string) => encoding.includes(`${name}:`);
  return {
    name: mnemonic.toUpperCase(),
    encoding: `${encoding} Rn:5 Rd:5`,
    feature,
    syntax: `${mnemonic} ${syntax}`,
    operands: {
      ...(has('Rm') ? BINARY : UNARY),
      ...(has('Ra') ? { ra: v('Ra') } : semantics.into && INTO),
      ...(has('i2') && { imm: joinedField('i2') }),
    },
    execute: semantics.on(wholeVectors(2), has('i2') ? element : undefined),
  };
}

export const CRYPTO: readonly A64Row[] = [
  ...Object.entries(ENTRIES).flatMap(([feature, entries]) => entries.map((entry) => rowOf(feature, entry))),
  {
    name: 'XAR',
    encoding: '11001110 100 Rm:5 imm6:6 Rn:5 Rd:5',
    feature: 'FEAT_SHA3',
    syntax: `xar ${TWO}, <Vm.2d>, <imm6>`,
    operands: { ...BINARY, imm: field('imm6') },
    execute: sha3.xorAndRotate,
  },
];
