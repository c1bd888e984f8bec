/** Reversed generator polynomials of CRC32 and CRC32C: DDI 0487, C6.2 (0x04C11DB7 and 0x1EDC6F41). */
const REVERSED = [0xedb88320, 0x82f63b78];

/** Both tables of 256 u32, little-endian, as `Builder.crcTable` reads them. */
export function crcTables(): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(REVERSED.length * 1024));
  REVERSED.forEach((polynomial, table) => {
    for (let index = 0; index < 256; index++) {
      let crc = index;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
      bytes.setUint32(table * 1024 + index * 4, crc >>> 0, true);
    }
  });
  return new Uint8Array(bytes.buffer);
}
