import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TEXT_LIMIT } from '../vmm/kvmtrace/parse.ts';
import { Failure } from './command.ts';

const GZIP = [0x1f, 0x8b];

/** A text file, unpacked where it is gzip. @throws Failure with the reason. */
export function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    const packed = GZIP.every((byte, i) => bytes[i] === byte);
    return (packed ? gunzipSync(bytes, { maxOutputLength: TEXT_LIMIT }) : bytes).toString();
  } catch (error) {
    throw new Failure(`${path} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

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
