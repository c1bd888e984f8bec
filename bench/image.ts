/** Where a64.bin is linked to. */
export const A64_ORIGIN = 0x4020_0000;
const PARAMETERS = 8;

/** The image with the kernel's number and how often it is repeated, which both boot.S expect at the same place. */
export function withParameters(image: Uint8Array, kernel: number, repeats: number): Uint8Array {
  const copy = image.slice();
  const words = new DataView(copy.buffer);
  words.setUint32(PARAMETERS, kernel, true);
  words.setUint32(PARAMETERS + 4, repeats, true);
  return copy;
}
