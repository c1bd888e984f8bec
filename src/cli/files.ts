import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Failure } from './command.ts';

const GZIP = [0x1f, 0x8b];
/** Bytes of a file, and of what it is when it is unpacked. */
const FILE_LIMIT = 64 * 2 ** 20;

/** Bytes of a file or a pipe. */
function readBytes(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const pieces: Uint8Array[] = [];
    for (let total = 0; ;) {
      const piece = new Uint8Array(1 << 20);
      const length = readSync(file, piece);
      if (length === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, length));
      total += length;
      if (total > FILE_LIMIT) throw new Error(`it has more than ${FILE_LIMIT} bytes`);
    }
  } finally {
    closeSync(file);
  }
}

/** A file, unpacked where it is gzip. @throws Failure with the reason. */
export function readFile(path: string): Uint8Array {
  try {
    const bytes = readBytes(path);
    const packed = GZIP.every((byte, i) => bytes[i] === byte);
    return packed ? gunzipSync(bytes, { maxOutputLength: FILE_LIMIT }) : bytes;
  } catch (error) {
    throw new Failure(`${path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A text file, as `readFile` reads it. */
export const readText = (path: string): string => new TextDecoder().decode(readFile(path));

const GOLDEN = 'kvmtrace/golden';

/** The folder of recorded answers inside the oracle: the one that is named, else beside the repository. @throws Failure */
export function goldenFolder(oracle: string | null): string {
  const places = oracle === null ? ['../shared/oracle'] : [oracle];
  for (const place of places) {
    for (const folder of [join(place, GOLDEN), place]) {
      if (existsSync(join(folder, 'open.kvmtrace.gz'))) return folder;
    }
  }
  throw new Failure(`no recorded answers in ${places.join(', ')}: ${GOLDEN}/open.kvmtrace.gz is wanted; see --oracle`);
}
