/**
 * The recording probe's guest programs (probe/guest.S), encoded by binutils: words by name. x0 is the address that they are
 * about, x26 that of the store that ends them.
 */
const PROGRAMS: Readonly<Record<string, string>> = {
  mmio:
    'd2824681 f2b579a1 f2cacf01 f2fe1c21 39000001 79000001 b9000001 f9000001 39400002 79400003 b9400004 ' +
    'f9400005 39c00006 39800007 79c00008 79800009 b980000a f900041f f940080b c89ffc01 c8dffc0c 08dffc0d ' +
    'b8004001 f940001f f9000341',
  pre: 'f8408c01 f9000341',
  post: 'f8008401 f9000341',
  ldp: 'a9400801 f9000341',
  stp: 'a9000801 f9000341',
  ldq: 'd2a00601 d5181041 d5033fdf 3dc00000 f9000341',
  ldd: 'd2a00601 d5181041 d5033fdf fd400000 f9000341',
  ldxr: 'c85f7c01 f9000341',
  stxr: 'c8027c01 f9000341',
  ldadd: 'f8210002 f9000341',
  swp: 'f8218002 f9000341',
  dczva: 'd50b7420 f9000341',
  dccivac: 'd50b7e20 f9000341',
  dcivac: 'd5087620 f9000341',
  icivau: 'd50b7520 f9000341',
  prfm: 'f9800000 f9000341',
  at: 'd5087800 d5033fdf d5387401 f9000341',
  ldr: 'f9400001 f9000341',
  str: 'f9000001 f9000341',
  br: 'd61f0000',
  hvc: 'd4000002 f9000340',
  hvc1: 'd4000022 f9000340',
  smc: 'd4000003 f9000340',
  wfi: 'd503207f f9000340',
  wfe: 'd503205f d503205f f9000340',
  loop: '14000000',
  brk: 'd42000e0 f9000340',
  svc: 'd40000e1 f9000340',
  udf: '00000000 f9000340',
  hlt: 'd4400000 f9000340',
  fp: '1e6e1000 f9000340',
  sve: 'd2a00601 b2700421 d5181041 d5033fdf 04bf5022 f9000342',
  pac: 'd2824681 dac10001 f9000341',
  dirty: 'f9000001 8b050402 f9000041 8b050042 8b050042 8b050042 39001c41 f9000341',
  timer: 'd51be31f d2800021 d51be321 d5033fdf d503207f d53be322 f9000342',
  gictimer:
    'b900157f b9401561 3717ffe1 9140416c 12800001 b9008181 52a10001 b9010181 52800261 b9000141 b940014d ' +
    'd538ccae d2801e01 d5184601 d2800021 d518cce1 d5033fdf d51be31f d51be321 d5033fdf d50342ff d503207f ' +
    'd503201f d503201f f9000341',
  gicr:
    'b9400141 b8008401 b9400541 b8008401 b9400941 b8008401 f9400561 f8008401 b9400161 b8008401 b9400561 ' +
    'b8008401 b9401561 b8008401 d29ffd02 b8626941 b8008401 b8626961 b8008401 d538cca1 f8008401 d538cc81 ' +
    'f8008401 d538cb61 f8008401 f9000341',
};

const bytesOf = (words: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, n) => view.setUint32(4 * n, word, true));
  return new Uint8Array(view.buffer);
};

/** A program's bytes; a name that there is not has none. */
export function program(name: string): Uint8Array {
  const words = PROGRAMS[name]?.split(' ') ?? [];
  return bytesOf(words.map((word) => parseInt(word, 16)));
}

export const machineCode = bytesOf;

const VECTORS = 16;
const VECTOR_WORDS = 0x80 / 4;

function vectors(handler: (index: number) => readonly number[]): Uint8Array {
  const words = Array.from({ length: VECTORS }, (_, index) => {
    const code = handler(index);
    return [...code, ...Array.from({ length: VECTOR_WORDS - code.length }, () => NOP)];
  });
  return bytesOf(words.flat());
}

const NOP = 0xd503201f;
const MOV_X19 = 0xd2800013;

/** Vectors that put their number into x19, ESR, FAR, ELR and SPSR into x20 to x23, and end with the store. */
export const REPORTING_VECTORS = vectors((index) => [
  MOV_X19 | (index << 5),
  0xd5385214, // mrs x20, esr_el1
  0xd5386015, // mrs x21, far_el1
  0xd5384036, // mrs x22, elr_el1
  0xd5384017, // mrs x23, spsr_el1
  0xf9000353, // str x19, [x26]
  0x14000000, // b .
]);

/** Vectors that put ESR into x2 and go on behind the instruction. */
export const SKIPPING_VECTORS = vectors(() => [
  0xd5385202, // mrs x2, esr_el1
  0xd5384023, // mrs x3, elr_el1
  0x91001063, // add x3, x3, #4
  0xd5184023, // msr elr_el1, x3
  0xd69f03e0, // eret
]);
