import { describe, expect, it } from 'vitest';
import { prose } from './prose.ts';

describe('prose', () => {
  it.each([
    ["the IPA size 53 is above this host's limit, 52", 'the IPA size 53 is above this host’s limit, 52'],
    ["it can't be; the process' memory", 'it can’t be; the process’ memory'],
    ["SYSTEM_OFF2's types, EL2's", 'SYSTEM_OFF2’s types, EL2’s'],
  ])('writes apostrophes as the page does: %s', (text, drawn) => {
    expect(prose(text)).toBe(drawn);
  });

  it.each([
    "Type 'string' is not assignable to type 'Fields'.",
    "expected ',' before the operand",
    "`open('/dev/kvm')` and `'a'`",
    'nothing to change',
  ])('leaves quotes and code: %s', (text) => {
    expect(prose(text)).toBe(text);
  });

  it('does both in one text', () => {
    expect(prose("Property 'ids' can't be the VM's, nor 'bits'")).toBe("Property 'ids' can’t be the VM’s, nor 'bits'");
  });
});
