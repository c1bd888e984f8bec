/** What kernels.c does, in TypeScript: its checksums prove the engine's run, its time is what that is measured against. */

let seed = 0;
function next(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
}

const NODES = 256;
const SIDE = 24;
const TEXT = 512;

interface Node {
  next: Node | null;
  value: number;
}

function checksum(value: number, crc: number): number {
  for (let i = 0; i < 16; i++) {
    const bit = (value ^ crc) & 1;
    value >>>= 1;
    crc >>>= 1;
    if (bit) crc ^= 0xa001;
  }
  return crc;
}

function reverse(list: Node | null): Node | null {
  let result: Node | null = null;
  while (list) {
    const rest: Node | null = list.next;
    list.next = result;
    result = list;
    list = rest;
  }
  return result;
}

function position(list: Node | null, value: number): number {
  let at = 0;
  while (list && list.value !== value) {
    list = list.next;
    at++;
  }
  return at;
}

function multiply(left: Int32Array, right: Int32Array, product: Int32Array): void {
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) sum = (sum + Math.imul(left[i * SIDE + k]!, right[k * SIDE + j]!)) | 0;
      product[i * SIDE + j] = sum;
    }
  }
}

function words(text: Uint8Array): number {
  let state = 0;
  let count = 0;
  for (let i = 0; i < TEXT; i++) {
    const c = text[i]!;
    if (c >= 48 && c <= 57) state = state === 2 ? 2 : 1;
    else if (c >= 97 && c <= 122) state = 2;
    else {
      count += state;
      state = 0;
    }
  }
  return count;
}

function mix(times: number): number {
  let crc = 0;
  const nodes = Array.from({ length: NODES }, (_, value): Node => ({ next: null, value }));
  nodes.forEach((node, i) => (node.next = nodes[i + 1] ?? null));
  let list: Node | null = nodes[0]!;
  const [left, right, product] = [0, 1, 2].map(() => new Int32Array(SIDE * SIDE)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < SIDE * SIDE; i++) {
    left[i] = next() & 255;
    right[i] = next() & 255;
  }
  const letters = new TextEncoder().encode('0123456789 abcdefghijklmnop.,;:-');
  const text = Uint8Array.from({ length: TEXT }, () => letters[next() & 31]!);
  const marks = new TextEncoder().encode('x1 ');
  for (let time = 0; time < times; time++) {
    for (let i = 0; i < 16; i++) {
      list = reverse(list);
      crc = checksum(position(list, (time + i * 11) & 255), crc);
    }
    multiply(left, right, product);
    for (let i = 0; i < SIDE; i++) crc = checksum(product[i * SIDE + (time % SIDE)]!, crc);
    crc = checksum(words(text), crc);
    left[(time % SIDE) * SIDE] = crc & 255;
    text[time % TEXT] = marks[crc % 3]!;
  }
  return crc >>> 0;
}

const TABLE = 1 << 20;
const SORTED = 1 << 14;

function sort(a: Uint32Array, low: number, high: number): void {
  while (low < high) {
    const pivot = a[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (a[i]! < pivot) i++;
      while (a[j]! > pivot) j--;
      if (i <= j) {
        const t = a[i]!;
        a[i++] = a[j]!;
        a[j--] = t;
      }
    }
    sort(a, low, j);
    low = i;
  }
}

function memory(times: number): number {
  const table = new Uint32Array(TABLE);
  let sum = 0;
  for (let time = 0; time < times; time++) {
    for (let i = 0; i < SORTED; i++) table[i] = next();
    sort(table, 0, SORTED - 1);
    for (let i = 0; i < 200000; i++) {
      const at = next() >>> 12;
      table[at] = table[at]! + i;
      sum = (Math.imul(sum, 31) + table[Math.imul(at, 2654435761) >>> 12]!) | 0;
    }
  }
  return sum >>> 0;
}

function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
function takeuchi(x: number, y: number, z: number): number {
  return y < x ? takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y)) : z;
}
const operations: readonly ((a: number, b: number) => number)[] = [
  (a, b) => (a + b) >>> 0,
  (a, b) => (((a << 7) | (a >>> 25)) ^ b) >>> 0,
  (a, b) => Math.imul(a, b | 1) >>> 0,
  (a, b) => (a < b ? b - a : a - b),
];

function calls(times: number): number {
  let sum = 0;
  for (let time = 0; time < times; time++) {
    let a = time;
    let b = 7;
    sum = (Math.imul(sum, 31) + fibonacci(18)) | 0;
    sum = (Math.imul(sum, 31) + takeuchi(9, 5, 2)) | 0;
    for (let i = 0; i < 5000; i++) {
      const c = operations[((a >>> 3) ^ i) & 3]!(a, b);
      b = a;
      a = c;
    }
    sum ^= a;
  }
  return sum >>> 0;
}

const BYTES = 32768;

function copyBytes(d: Uint8Array, s: Uint8Array, at: number, n: number): void {
  for (let i = 0; i < n; i++) d[i] = s[at + i]!;
}
function copyDoublewords(d: Float64Array, s: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) d[i] = s[i]!;
}
function length(s: Uint8Array): number {
  let n = 0;
  while (s[n]) n++;
  return n;
}

function copy(times: number): number {
  const source = new Uint8Array(BYTES);
  const target = new Uint8Array(BYTES);
  /* Any eight bytes but those of a NaN survive as a double: 250 is the largest byte here. */
  const wideSource = new Float64Array(source.buffer);
  const wideTarget = new Float64Array(target.buffer);
  let sum = 0;
  for (let i = 0; i < BYTES - 1; i++) source[i] = 1 + (next() % 250);
  for (let time = 0; time < times; time++) {
    copyDoublewords(wideTarget, wideSource, BYTES / 8);
    sum = (Math.imul(sum, 31) + length(target)) | 0;
    target[10000 + (time & 1023)] = 0;
    sum = (Math.imul(sum, 31) + length(target)) | 0;
    copyBytes(target, source, 1, 12000);
    sum = (Math.imul(sum, 31) + target[time % 12000]!) | 0;
    source[time % 20000] = 1 + (time & 127);
  }
  return sum >>> 0;
}

export const KERNELS = [
  { name: 'mix', run: mix, times: 3000 },
  { name: 'memory', run: memory, times: 20 },
  { name: 'calls', run: calls, times: 500 },
  { name: 'copy', run: copy, times: 400 },
] as const;

export function runKernel(index: number, times: number): number {
  seed = 0x12345678;
  return KERNELS[index]!.run(times);
}
