/** AES, SHA-1, SHA-256, SHA-512: DDI 0487 C4.1, "Cryptographic AES", "Cryptographic two-register" and "three-register SHA". */
import type { A64Row } from './row.ts';
import * as aes from './semantics/crypto/aes.ts';
import * as sha1 from './semantics/crypto/sha1.ts';
import * as sha256 from './semantics/crypto/sha256.ts';
import * as sha512 from './semantics/crypto/sha512.ts';
import { accumulating, scalars, unary, unaryInto, type Form } from './semantics/simd/lanes.ts';
import { BINARY, INTO, UNARY } from './simd-row.ts';

const whole: Form = (b) => ({ b, size: 2, bits: 128 });

const REGISTERS = { aes: '<Vd.16b>, <Vn.16b>', four: '<Vd.4s>, <Vn.4s>', two: '<Vd.2d>, <Vn.2d>' } as const;

/** Mnemonic, diagram, operands in syntax, extension, what it does. */
const ROWS = [
  ['aese', '01001110 00 10100 00100 10', REGISTERS.aes, 'FEAT_AES', unaryInto(aes.encrypt)],
  ['aesd', '01001110 00 10100 00101 10', REGISTERS.aes, 'FEAT_AES', unaryInto(aes.decrypt)],
  ['aesmc', '01001110 00 10100 00110 10', REGISTERS.aes, 'FEAT_AES', unary(aes.mix)],
  ['aesimc', '01001110 00 10100 00111 10', REGISTERS.aes, 'FEAT_AES', unary(aes.inverseMix)],
  ['sha1h', '01011110 00 10100 00000 10', '<Sd>, <Sn>', 'FEAT_SHA1', unary(sha1.fixedRotate)],
  ['sha1su1', '01011110 00 10100 00001 10', REGISTERS.four, 'FEAT_SHA1', unaryInto(sha1.scheduleSecond)],
  ['sha256su0', '01011110 00 10100 00010 10', REGISTERS.four, 'FEAT_SHA256', unaryInto(sha256.scheduleFirst)],
  ['sha1c', '01011110 00 0 Rm:5 0 000 00', '<Qd>, <Sn>, <Vm.4s>', 'FEAT_SHA1', accumulating(sha1.hashChoose)],
  ['sha1p', '01011110 00 0 Rm:5 0 001 00', '<Qd>, <Sn>, <Vm.4s>', 'FEAT_SHA1', accumulating(sha1.hashParity)],
  ['sha1m', '01011110 00 0 Rm:5 0 010 00', '<Qd>, <Sn>, <Vm.4s>', 'FEAT_SHA1', accumulating(sha1.hashMajority)],
  [
    'sha1su0',
    '01011110 00 0 Rm:5 0 011 00',
    `${REGISTERS.four}, <Vm.4s>`,
    'FEAT_SHA1',
    accumulating(sha1.scheduleFirst),
  ],
  ['sha256h', '01011110 00 0 Rm:5 0 100 00', '<Qd>, <Qn>, <Vm.4s>', 'FEAT_SHA256', accumulating(sha256.hashFirst)],
  ['sha256h2', '01011110 00 0 Rm:5 0 101 00', '<Qd>, <Qn>, <Vm.4s>', 'FEAT_SHA256', accumulating(sha256.hashSecond)],
  [
    'sha256su1',
    '01011110 00 0 Rm:5 0 110 00',
    `${REGISTERS.four}, <Vm.4s>`,
    'FEAT_SHA256',
    accumulating(sha256.scheduleSecond),
  ],
  ['sha512h', '11001110 011 Rm:5 1 0 00 00', '<Qd>, <Qn>, <Vm.2d>', 'FEAT_SHA512', accumulating(sha512.hashFirst)],
  ['sha512h2', '11001110 011 Rm:5 1 0 00 01', '<Qd>, <Qn>, <Vm.2d>', 'FEAT_SHA512', accumulating(sha512.hashSecond)],
  [
    'sha512su1',
    '11001110 011 Rm:5 1 0 00 10',
    `${REGISTERS.two}, <Vm.2d>`,
    'FEAT_SHA512',
    accumulating(sha512.scheduleSecond),
  ],
  ['sha512su0', '11001110 110 00000 1 0 00 00', REGISTERS.two, 'FEAT_SHA512', unaryInto(sha512.scheduleFirst)],
] as const;

export const CRYPTO: readonly A64Row[] = ROWS.map(([mnemonic, encoding, operands, feature, semantics]) => ({
  name: mnemonic.toUpperCase(),
  encoding: `${encoding} Rn:5 Rd:5`,
  feature,
  syntax: `${mnemonic} ${operands}`,
  operands: { ...(encoding.includes('Rm') ? BINARY : UNARY), ...(semantics.into && INTO) },
  execute: semantics.on(mnemonic === 'sha1h' ? scalars(2) : whole),
}));
