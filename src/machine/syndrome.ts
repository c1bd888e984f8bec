import { decode } from '../isa/a64/table.ts';

/** ISV, SAS, SSE, SRT, SF and AR of a data abort's ISS (Arm ARM D17.2.37): valid for one general register without writeback. */
export function dataAbortIss(word: number) {
  const decoded = decode(word);
  const transfer = decoded?.row.transfer;
  const single =
    transfer !== undefined &&
    transfer.registers === 1 &&
    transfer.width !== 'v' &&
    !transfer.exclusive &&
    !transfer.writeback;
  if (!decoded || !single || transfer.access === 'prefetch' || transfer.access === 'loadStore') {
    return { isv: false, sas: 0, sse: 0, srt: 0, sf: 0, ar: 0 };
  }
  return {
    isv: true,
    sas: Math.log2(transfer.bytes),
    sse: transfer.signExtend ? 1 : 0,
    srt: decoded.fields.Rt,
    sf: transfer.width === 64 ? 1 : 0,
    ar: transfer.acquire || transfer.release ? 1 : 0,
  };
}
