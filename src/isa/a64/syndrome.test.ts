import { describe, expect, it } from 'vitest';
import { assemble } from './assembler.ts';
import { dataAbortIss } from './syndrome.ts';

function iss(instruction: string) {
  const { bytes, errors } = assemble(instruction, { origin: 0n });
  expect(errors).toEqual([]);
  const { isv, sas, sse, srt, sf, ar } = dataAbortIss(new DataView(bytes.buffer).getUint32(0, true));
  return isv ? `sas ${sas} sse ${sse} srt ${srt} sf ${sf} ar ${ar}` : 'invalid';
}

describe('the syndrome of a data abort', () => {
  it.each([
    ['ldr x5, [x0]', 'sas 3 sse 0 srt 5 sf 1 ar 0'],
    ['str w9, [x0, #8]', 'sas 2 sse 0 srt 9 sf 0 ar 0'],
    ['strb wzr, [x0]', 'sas 0 sse 0 srt 31 sf 0 ar 0'],
    ['ldrh w1, [x0, x2]', 'sas 1 sse 0 srt 1 sf 0 ar 0'],
    ['ldrsb x1, [x0]', 'sas 0 sse 1 srt 1 sf 1 ar 0'],
    ['ldrsh w1, [x0]', 'sas 1 sse 1 srt 1 sf 0 ar 0'],
    ['ldrsw x1, [x0]', 'sas 2 sse 1 srt 1 sf 1 ar 0'],
    ['ldur w3, [x0, #-4]', 'sas 2 sse 0 srt 3 sf 0 ar 0'],
    ['sttr x3, [x0]', 'sas 3 sse 0 srt 3 sf 1 ar 0'],
    ['ldr x3, .', 'sas 3 sse 0 srt 3 sf 1 ar 0'],
    ['ldar w7, [x0]', 'sas 2 sse 0 srt 7 sf 0 ar 1'],
    ['stlrb w7, [x0]', 'sas 0 sse 0 srt 7 sf 0 ar 1'],
    ['ldapr x7, [x0]', 'sas 3 sse 0 srt 7 sf 1 ar 1'],
  ])('is there for %s', (instruction, expected) => {
    expect(iss(instruction)).toBe(expected);
  });

  it.each([
    ['ldr x1, [x0], #8'],
    ['str x1, [x0, #8]!'],
    ['ldp x1, x2, [x0]'],
    ['ldxr x1, [x0]'],
    ['stlxr w2, x1, [x0]'],
    ['ldadd x1, x2, [x0]'],
    ['cas x1, x2, [x0]'],
    ['ldr q1, [x0]'],
    ['prfm pldl1keep, [x0]'],
    ['dc civac, x0'],
    ['add x0, x0, x0'],
  ])('is not there for %s', (instruction) => {
    expect(iss(instruction)).toBe('invalid');
  });
});
