import { FPSR_BITS } from '../isa/a64/semantics/float/format.ts';
import { CONTROL_WORDS, type ControlWord } from '../isa/library.ts';
import * as at from './layout.ts';
import type { Views } from './views.ts';

const NZCV = 0xf0000000;
const SP_OF_LEVEL = 1;
const BTYPE = 10;
const FPSR_MASK = BigInt(FPSR_BITS);
const CONTROL_PLACES = new Map<ControlWord, number>(CONTROL_WORDS.map((word, index) => [word, at.CONTROL + 8 * index]));

/** The CPU's registers in the engine's state block. Halves are u32; bigint is for the edges. */
export class CpuState {
  /** X0–X30, and V0–V31 as pairs with the low half first: for a world switch, which copies them as they are. */
  readonly general: BigUint64Array;
  readonly vectors: BigUint64Array;
  readonly #views: Views;

  constructor(views: Views) {
    this.#views = views;
    this.general = views.u64.subarray(at.X >> 3, (at.X >> 3) + 31);
    this.vectors = views.u64.subarray(at.V >> 3, (at.V >> 3) + 64);
    this.pstate = 0x3c5;
  }

  /** X0–X30. */
  x(index: number): bigint {
    return this.#u64(at.X + checked(index, 31) * 8);
  }
  setX(index: number, value: bigint): void {
    this.#setU64(at.X + checked(index, 31) * 8, value);
  }
  xLow(index: number): number {
    return this.#u32(at.X + checked(index, 31) * 8);
  }
  xHigh(index: number): number {
    return this.#u32(at.X + checked(index, 31) * 8 + 4);
  }

  get pc(): bigint {
    return this.#u64(at.PC);
  }
  set pc(value: bigint) {
    this.#setU64(at.PC, value);
  }
  get pcLow(): number {
    return this.#u32(at.PC);
  }
  get pcHigh(): number {
    return this.#u32(at.PC + 4);
  }
  /** PC to the next instruction, for whoever did the one at PC. */
  advance(): void {
    const low = (this.pcLow + 4) >>> 0;
    this.#setU32(at.PC, low);
    if (low < 4) this.#setU32(at.PC + 4, this.pcHigh + 1);
  }

  /** The whole of PSTATE in SPSR_ELx's format: NZCV, DAIF, PAN, IL, SS, M[3:0] and so on. Setting it chooses the stack pointer. */
  get pstate(): number {
    return (this.#u32(at.PSTATE) | this.nzcv) >>> 0;
  }
  set pstate(value: number) {
    const before = spLevel(this.#u32(at.PSTATE));
    const after = spLevel(value);
    if (before !== after) {
      this.#setU64(at.SP_BANK + 8 * before, this.#u64(at.SP));
      this.#setU64(at.SP, this.#u64(at.SP_BANK + 8 * after));
    }
    this.#setU32(at.PSTATE, value & ~NZCV);
    this.nzcv = value;
  }
  /** PSTATE.EL. */
  get level(): number {
    return (this.#u32(at.PSTATE) >>> 2) & 3;
  }

  /** PSTATE.BTYPE; 3 where a branch from `branchedFrom` has set it, which is 1 if that page is not guarded. */
  get btype(): number {
    return (this.#u32(at.PSTATE) >>> BTYPE) & 3;
  }
  set btype(value: number) {
    this.#setU32(at.PSTATE, (this.#u32(at.PSTATE) & ~(3 << BTYPE)) | (value << BTYPE));
  }
  get branchedFrom(): bigint {
    return this.#u64(at.BRANCHED_FROM);
  }

  /** N, Z, C and V in bits 31:28, the others 0; as the NZCV register has them. */
  get nzcv(): number {
    const n = this.#u32(at.FLAG_N + 4) >>> 31;
    const z = (this.#u32(at.FLAG_Z) | this.#u32(at.FLAG_Z + 4)) === 0 ? 1 : 0;
    const c = this.#u32(at.FLAG_C) & 1;
    const v = this.#u32(at.FLAG_V + 4) >>> 31;
    return ((n << 31) | (z << 30) | (c << 29) | (v << 28)) >>> 0;
  }
  set nzcv(value: number) {
    this.#setU32(at.FLAG_N + 4, value);
    this.#setU64(at.FLAG_Z, value & 0x40000000 ? 0n : 1n);
    this.#setU32(at.FLAG_C, (value >>> 29) & 1);
    this.#setU32(at.FLAG_V + 4, value << 3);
  }

  /** SP_EL0 … SP_EL3, current or not. */
  sp(level: number): bigint {
    return this.#u64(this.#spSlot(level));
  }
  setSp(level: number, value: bigint): void {
    this.#setU64(this.#spSlot(level), value);
  }
  /** The stack pointer in use. */
  get currentSp(): bigint {
    return this.#u64(at.SP);
  }

  get fpcr(): bigint {
    return this.#u64(at.FPCR);
  }
  /** Bits that this CPU has not stay 0. */
  set fpcr(value: bigint) {
    this.#setU64(at.FPCR, value & this.control('fpcrBits'));
  }
  get fpsr(): bigint {
    return this.#u64(at.FPSR);
  }
  set fpsr(value: bigint) {
    this.#setU64(at.FPSR, value & FPSR_MASK);
  }
  /** Half 0 or 1 of V0–V31. */
  v(index: number, half: 0 | 1): bigint {
    return this.#u64(at.V + checked(index, 32) * 16 + half * 8);
  }
  setV(index: number, half: 0 | 1, value: bigint): void {
    this.#setU64(at.V + checked(index, 32) * 16 + half * 8, value);
  }

  /** The set of TLBs that accesses use: one for each set of permissions that a guest runs with, see README.md. */
  get regime(): number {
    return this.#u32(at.REGIME);
  }
  set regime(value: number) {
    this.#setU32(at.REGIME, checked(value, at.REGIMES));
  }
  /** The set of TLBs that LDTR and STTR use. */
  get unprivileged(): number {
    return this.#u32(at.UNPRIVILEGED);
  }
  set unprivileged(value: number) {
    this.#setU32(at.UNPRIVILEGED, checked(value, at.REGIMES));
  }
  /** SCTLR_ELx.SA and SA0 for the current level: a load or store with SP as base leaves where SP isn't aligned to 16. */
  get checksSp(): boolean {
    return this.#u32(at.SP_ALIGNMENT) !== 0;
  }
  set checksSp(value: boolean) {
    this.#setU64(at.SP_ALIGNMENT, value ? 15n : 0n);
  }
  /** CPACR_EL1.FPEN and CPTR_EL2 for the current level. */
  get fpTrapped(): boolean {
    return this.#u32(at.FP_TRAPPED) !== 0;
  }
  set fpTrapped(value: boolean) {
    this.#setU32(at.FP_TRAPPED, value ? 1 : 0);
  }
  /** FEAT_LSE2 with SCTLR_ELx.nAA = 0: ordered, exclusive and atomic accesses may be unaligned within 16 bytes. */
  get lse2(): boolean {
    return this.#u32(at.LSE2) !== 0;
  }
  set lse2(value: boolean) {
    this.#setU32(at.LSE2, value ? 1 : 0);
  }

  /** A register that instructions depend on. */
  control(word: ControlWord): bigint {
    return this.#u64(CONTROL_PLACES.get(word)!);
  }
  setControl(word: ControlWord, value: bigint): void {
    this.#setU64(CONTROL_PLACES.get(word)!, value);
  }

  /** What an exception, an exception return or another CPU's store does to the exclusive monitor. */
  clearExclusive(): void {
    this.#setU32(at.MONITOR_ADDRESS, 0);
  }

  /** Copies the block out, for a world switch: all of the above. `into` has at least `STATE_BYTES` bytes. */
  save(into: Uint8Array): void {
    into.set(this.#views.u8.subarray(0, at.STATE_BYTES));
  }
  load(from: Uint8Array): void {
    this.#views.u8.set(from.subarray(0, at.STATE_BYTES));
    this.#setU64(at.ZERO, 0n);
  }

  #spSlot(level: number): number {
    const current = spLevel(this.#u32(at.PSTATE));
    return checked(level, 4) === current ? at.SP : at.SP_BANK + 8 * level;
  }
  #u32(offset: number): number {
    return this.#views.i32[offset >> 2]! >>> 0;
  }
  #setU32(offset: number, value: number): void {
    this.#views.i32[offset >> 2] = value;
  }
  #u64(offset: number): bigint {
    return this.#views.u64[offset >> 3]!;
  }
  #setU64(offset: number, value: bigint): void {
    this.#views.u64[offset >> 3] = value;
  }
}

/** The level whose SP_ELn is SP: PSTATE.SP = 0 is SP_EL0. */
function spLevel(pstate: number): number {
  return pstate & SP_OF_LEVEL ? (pstate >>> 2) & 3 : 0;
}

function checked(index: number, below: number): number {
  if (!(index >= 0 && index < below)) throw new RangeError(`register index ${index} is not below ${below}`);
  return index;
}
