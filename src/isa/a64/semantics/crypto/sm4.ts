/** SM4E, SM4EKEY: GB/T 32907-2016, four rounds at a time. */
import { call, constant, rotl, xor, type Expr, type Vector } from '../../../expr.ts';
import { libraryFunction } from '../../../library.ts';
import type { Binary } from '../simd/lanes.ts';
import { lane, range, splat } from '../simd/vector.ts';
import { rotated, substitution } from './galois.ts';
import { words } from './words.ts';

/* The S-box is an affine map, the inversion, and the same map again. */
const affine = (byte: number) => [0, 1, 3, 6, 7].reduce((sum, by) => sum ^ rotated(byte, by), 0xd3);
const substituted = substitution(0x1f5, affine, affine);

/** Rounds whose linear part rotates by these. */
const rounds = (name: string, rotations: readonly number[]) =>
  libraryFunction(name, ['v128', 'v128'], 'v128', (b, state, keys) => {
    let [w0, w1, w2, w3] = range(4).map((i) => b.let(lane(2, i, state))) as [Expr, Expr, Expr, Expr];
    for (const round of range(4)) {
      const mixed: Vector = splat(2, xor(xor(w1, w2), xor(w3, lane(2, round, keys))));
      const word = b.let(lane(2, 0, substituted(b, b.let(mixed))));
      const linear = rotations.reduce((sum, by) => xor(sum, rotl(word, constant(32, by))), word);
      [w0, w1, w2, w3] = [w1, w2, w3, b.let(xor(w0, linear))];
    }
    return words(w0, w1, w2, w3);
  });

const [ENCRYPT, KEYS] = [rounds('sm4e', [2, 10, 18, 24]), rounds('sm4ekey', [13, 23])];
export const encrypt: Binary = (_on, keys, state) => call(ENCRYPT, state, keys);
export const expandKey: Binary = (_on, keys, constants) => call(KEYS, keys, constants);
