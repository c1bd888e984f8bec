/** Whole algorithms made of the instructions for them, against OpenSSL's. */
import { createCipheriv, createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODE, Guest, PAGE } from './guest.testing.ts';

const DATA = CODE + 8 * PAGE;
const PAGES = Array.from({ length: 12 }, (_, i) => [CODE + i * PAGE, i] as const);

/** The bytes at DATA after a program that gets `input` there; its address is in X0. */
function output(guest: Guest, input: Uint8Array, bytes: number): Uint8Array {
  const at = guest.offset(DATA);
  new Uint8Array(guest.view.buffer, at, input.length).set(input);
  guest.engine.state.pc = BigInt(CODE);
  guest.engine.state.setX(0, BigInt(DATA));
  const { exit } = guest.run();
  expect(exit).toMatchObject({ kind: 'exception', cause: 'hlt' });
  return new Uint8Array(guest.view.buffer, at, bytes).slice();
}

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('AES-128: a key expanded, a block encrypted and decrypted', () => {
  /* The key at X0, the block behind it; round keys in V16 to V26. SubWord is AESE of four equal columns. */
  const expansion = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36].map(
    (constant, i) => `
      dup v1.4s, v${16 + i}.s[3]
      aese v1.16b, v2.16b
      umov w1, v1.s[0]
      ror w1, w1, #8
      mov w2, #${constant}
      eor w1, w1, w2
      dup v1.4s, w1
      mov v3.16b, v${16 + i}.16b
      ext v4.16b, v2.16b, v3.16b, #12
      eor v3.16b, v3.16b, v4.16b
      ext v4.16b, v2.16b, v3.16b, #8
      eor v3.16b, v3.16b, v4.16b
      eor v${17 + i}.16b, v3.16b, v1.16b`,
  );
  const guest = new Guest(
    `
      movi v2.2d, #0
      ldr q16, [x0]
      ${expansion.join('\n')}
      ldr q0, [x0, #16]
      ${lines(9, (i) => `aese v0.16b, v${16 + i}.16b\n aesmc v0.16b, v0.16b`)}
      aese v0.16b, v25.16b
      eor v0.16b, v0.16b, v26.16b
      str q0, [x0, #32]
      aesd v0.16b, v26.16b
      ${lines(9, (i) => `aesimc v0.16b, v0.16b\n aesimc v1.16b, v${25 - i}.16b\n aesd v0.16b, v1.16b`)}
      eor v0.16b, v0.16b, v16.16b
      str q0, [x0, #48]
      hlt #0`,
    PAGES,
  );
  fc.assert(
    fc.property(bytes(16), bytes(16), (key, block) => {
      const result = output(guest, Uint8Array.of(...key, ...block), 64);
      const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      expect([...result.slice(32, 48)]).toEqual([...cipher.update(block)]);
      expect([...result.slice(48)]).toEqual([...block]);
    }),
    { numRuns: 50 },
  );
});

/** The first bits of the fractions of roots of the first primes: FIPS 180-4, 4.2.2, 4.2.3 and 5.3. */
const PRIMES = Array.from({ length: 410 }, (_, n) => BigInt(n)).filter(
  (n) => n > 1n && Array.from({ length: 20 }, (_, d) => BigInt(d + 2)).every((d) => d >= n || n % d !== 0n),
);
function rootFraction(prime: bigint, degree: 2 | 3, bits: bigint): bigint {
  const scaled = prime << (BigInt(degree) * bits);
  let root = 0n;
  for (let bit = bits + 8n; bit >= 0n; bit--) {
    const next = root | (1n << bit);
    if (next ** BigInt(degree) <= scaled) root = next;
  }
  return BigInt.asUintN(Number(bits), root);
}
const constants = (count: number, degree: 2 | 3, bits: 32 | 64) =>
  PRIMES.slice(0, count).map((prime) => rootFraction(prime, degree, BigInt(bits)));
const table = (directive: string, values: readonly bigint[]) => `${directive} ${values.join(', ')}`;

/** The one block of a message that fits in it. */
function padded(message: Uint8Array, blockBytes: number): Uint8Array {
  const block = new Uint8Array(blockBytes);
  block.set(message);
  block[message.length] = 0x80;
  new DataView(block.buffer).setUint16(blockBytes - 2, 8 * message.length);
  return block;
}

function expectHash(name: string, guest: Guest, blockBytes: number): void {
  const hash = (message: Uint8Array) => createHash(name).update(message).digest();
  const most = blockBytes - 1 - blockBytes / 8;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: most }), (message) => {
      const expected = hash(message);
      expect(Buffer.from(output(guest, padded(message, blockBytes), expected.length)).toString('hex')).toBe(
        expected.toString('hex'),
      );
    }),
    { numRuns: 30 },
  );
}

test('SHA-1 of a block', () => {
  const initial = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n];
  const rounds = lines(20, (i) => {
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((step) => `v${4 + ((i + step) % 4)}`);
    return `
      add v16.4s, ${w0}.4s, v${20 + Math.floor(i / 5)}.4s
      sha1h s17, s0
      sha1${['c', 'p', 'm', 'p'][Math.floor(i / 5)]} q0, s1, v16.4s
      mov v1.16b, v17.16b
      ${i < 16 ? `sha1su0 ${w0}.4s, ${w1}.4s, ${w2}.4s\n sha1su1 ${w0}.4s, ${w3}.4s` : ''}`;
  });
  const source = `
      adr x1, constants
      ld1r {v20.4s}, [x1], #4
      ld1r {v21.4s}, [x1], #4
      ld1r {v22.4s}, [x1], #4
      ld1r {v23.4s}, [x1], #4
      ldr q0, [x1]
      ldr s1, [x1, #16]
      mov v2.16b, v0.16b
      mov v3.16b, v1.16b
      ld1 {v4.16b-v7.16b}, [x0]
      ${lines(4, (i) => `rev32 v${4 + i}.16b, v${4 + i}.16b`)}
      ${rounds}
      add v0.4s, v0.4s, v2.4s
      add v1.4s, v1.4s, v3.4s
      rev32 v0.16b, v0.16b
      rev32 v1.16b, v1.16b
      str q0, [x0]
      str s1, [x0, #16]
      hlt #0
      .balign 16
    constants:
      ${table('.word', [0x5a827999n, 0x6ed9eba1n, 0x8f1bbcdcn, 0xca62c1d6n, ...initial])}`;
  expectHash('sha1', new Guest(source, PAGES), 64);
});

test('SHA-256 of a block', () => {
  const rounds = lines(16, (i) => {
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((step) => `v${4 + ((i + step) % 4)}.4s`);
    return `
      ldr q16, [x1], #16
      add v16.4s, v16.4s, ${w0}
      mov v17.16b, v0.16b
      sha256h q0, q1, v16.4s
      sha256h2 q1, q17, v16.4s
      ${i < 12 ? `sha256su0 ${w0}, ${w1}\n sha256su1 ${w0}, ${w2}, ${w3}` : ''}`;
  });
  const source = `
      adr x1, constants
      ldp q0, q1, [x1], #32
      mov v2.16b, v0.16b
      mov v3.16b, v1.16b
      ld1 {v4.16b-v7.16b}, [x0]
      ${lines(4, (i) => `rev32 v${4 + i}.16b, v${4 + i}.16b`)}
      ${rounds}
      add v0.4s, v0.4s, v2.4s
      add v1.4s, v1.4s, v3.4s
      rev32 v0.16b, v0.16b
      rev32 v1.16b, v1.16b
      stp q0, q1, [x0]
      hlt #0
      .balign 16
    constants:
      ${table('.word', [...constants(8, 2, 32), ...constants(64, 3, 32)])}`;
  expectHash('sha256', new Guest(source, PAGES), 64);
});

test('SHA-512 of a block', () => {
  /* The halves of the state go round five registers, as in Linux's sha512-ce-core.S. */
  const turns = [
    [0, 1, 2, 3, 4],
    [3, 0, 4, 2, 1],
    [2, 3, 1, 4, 0],
    [4, 2, 0, 1, 3],
    [1, 4, 3, 0, 2],
  ];
  const rounds = lines(40, (i) => {
    const [ab, cd, ef, gh, free] = turns[i % 5]!.map((register) => `v${8 + register}`);
    const [w0, w1, w4, w5, w7] = [0, 1, 4, 5, 7].map((step) => `v${16 + ((i + step) % 8)}`);
    const q = (register: string | undefined) => register!.replace('v', 'q');
    return `
      ldr q5, [x1], #16
      add v5.2d, v5.2d, ${w0}.2d
      ext v6.16b, ${ef}.16b, ${gh}.16b, #8
      ext v5.16b, v5.16b, v5.16b, #8
      ext v7.16b, ${cd}.16b, ${ef}.16b, #8
      add ${gh}.2d, ${gh}.2d, v5.2d
      ${i < 32 ? `ext v5.16b, ${w4}.16b, ${w5}.16b, #8\n sha512su0 ${w0}.2d, ${w1}.2d` : ''}
      sha512h ${q(gh)}, q6, v7.2d
      ${i < 32 ? `sha512su1 ${w0}.2d, ${w7}.2d, v5.2d` : ''}
      add ${free}.2d, ${cd}.2d, ${gh}.2d
      sha512h2 ${q(gh)}, ${q(cd)}, ${ab}.2d`;
  });
  const source = `
      adr x1, constants
      ld1 {v8.2d-v11.2d}, [x1]
      ld1 {v24.2d-v27.2d}, [x1], #64
      mov x2, x0
      ld1 {v16.16b-v19.16b}, [x2], #64
      ld1 {v20.16b-v23.16b}, [x2]
      ${lines(8, (i) => `rev64 v${16 + i}.16b, v${16 + i}.16b`)}
      ${rounds}
      ${lines(4, (i) => `add v${8 + i}.2d, v${8 + i}.2d, v${24 + i}.2d\n rev64 v${8 + i}.16b, v${8 + i}.16b`)}
      st1 {v8.16b-v11.16b}, [x0]
      hlt #0
      .balign 16
    constants:
      ${table('.quad', [...constants(8, 2, 64), ...constants(80, 3, 64)])}`;
  expectHash('sha512', new Guest(source, PAGES), 128);
});
