/** What ESR_ELx says of the instruction behind a data abort: DDI 0487, "ISS encoding for an exception from a Data Abort". */
import { decode } from './table.ts';

/** Bits of the ISS; all 0 where `isv` is 0. */
export interface InstructionSyndrome {
  readonly isv: 0 | 1;
  /** Size of the access, log2 of its bytes. */
  readonly sas: 0 | 1 | 2 | 3;
  readonly sse: 0 | 1;
  /** The register that is transferred. */
  readonly srt: number;
  /** It is a 64-bit register. */
  readonly sf: 0 | 1;
  readonly ar: 0 | 1;
}

const NO_SYNDROME: InstructionSyndrome = { isv: 0, sas: 0, sse: 0, srt: 0, sf: 0, ar: 0 };
const SIZES: Readonly<Record<number, InstructionSyndrome['sas']>> = { 1: 0, 2: 1, 4: 2, 8: 3 };

/**
 * Valid for loads and stores of one general-purpose register, XZR and those with acquire or release among them, but not for
 * exclusives, atomics and those with writeback. The architecture fills it in for aborts taken to EL2 from stage 2 alone;
 * that is the caller's to know.
 */
export function dataAbortIss(word: number): InstructionSyndrome {
  const decoded = decode(word);
  const transfer = decoded?.row.transfer;
  if (!decoded || !transfer) return NO_SYNDROME;
  const { access, bytes, registers, width, exclusive, writeback, signExtend, acquire, release } = transfer;
  const sas = SIZES[bytes];
  const single = (access === 'load' || access === 'store') && registers === 1 && width !== 'v';
  if (!single || exclusive || writeback || sas === undefined) return NO_SYNDROME;
  return {
    isv: 1,
    sas,
    sse: signExtend ? 1 : 0,
    srt: decoded.fields.Rt,
    sf: width === 64 ? 1 : 0,
    ar: acquire || release ? 1 : 0,
  };
}
