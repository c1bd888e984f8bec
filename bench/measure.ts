import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withParameters } from './image.ts';
import type { Kernel } from './kernels.ts';
import type { Places } from './places.ts';
import { run } from './process.ts';
import type { Target } from './targets.ts';

export interface Measured {
  readonly checksum: string;
  /** CPU time of the whole process, seconds. */
  readonly cpu: number;
  /** What the engine says of itself (guest.ts); other targets say nothing. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Runs images on targets, and remembers the checksums: one that differs from another target's is an error. */
export class Bench {
  readonly failures: string[] = [];
  readonly #images: Readonly<Record<Target['machine'], Uint8Array>>;
  readonly #folder: string;
  readonly #checksums = new Map<string, { readonly checksum: string; readonly by: Set<string> }>();

  constructor(places: Places) {
    const read = (name: string) => new Uint8Array(readFileSync(join(places.source, 'kernels', name)));
    this.#images = { a64: read('a64.bin'), x86: read('x86.bin') };
    this.#folder = mkdtempSync(join(places.bundles, 'images-'));
  }

  /** The A64 image for a kernel. */
  a64(kernel: number, repeats: number): Uint8Array {
    return withParameters(this.#images.a64, kernel, repeats);
  }

  /** Null where it went wrong: `failures` then says how. */
  kernel(target: Target, { name, number }: Pick<Kernel, 'name' | 'number'>, repeats: number): Promise<Measured | null> {
    const image = withParameters(this.#images[target.machine], number, repeats);
    return this.image(target, `${name}, ${repeats} times`, image);
  }

  /** Null where the target failed, or came to another checksum than one before it by the same name. */
  async image(target: Target, name: string, image: Uint8Array): Promise<Measured | null> {
    process.stderr.write(`${name}: ${target.title} `);
    try {
      const measured = await this.#run(target, name, image);
      process.stderr.write(`${measured.cpu.toFixed(2)} s\n`);
      return measured;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      process.stderr.write(`failed: ${message}\n`);
      this.failures.push(message);
      return null;
    }
  }

  async #run(target: Target, name: string, image: Uint8Array): Promise<Measured> {
    const file = join(this.#folder, `${target.name}.bin`);
    writeFileSync(file, image);
    const [command, ...args] = target.command(file);
    const { output, errors, status, cpu } = await run(command, args);
    rmSync(file);
    const lines = output.trim().split('\n');
    const checksum = lines.pop() ?? '';
    if (status !== 0 || !/^[0-9a-f]{8}$/.test(checksum)) {
      throw new Error(`${target.title}, ${name}: ended with ${status} ${reason(errors + output)}`);
    }
    this.#check(target, name, checksum);
    return { checksum, cpu, figures: numbers(lines.pop() ?? '{}') };
  }

  /** Names of what only one target has run. */
  get unchecked(): string[] {
    return [...this.#checksums].flatMap(([name, { by }]) => (by.size < 2 ? [name] : []));
  }

  #check(target: Target, name: string, checksum: string): void {
    const before = this.#checksums.get(name) ?? { checksum, by: new Set() };
    if (before.checksum !== checksum) {
      throw new Error(
        `${name}: ${target.title} comes to ${checksum}, ${[...before.by].join(', ')} to ${before.checksum}`,
      );
    }
    this.#checksums.set(name, { ...before, by: before.by.add(target.title) });
  }
}

/** The numbers of an object in JSON. */
export function numbers(json: string): Record<string, number> {
  const value: unknown = JSON.parse(json);
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

/** The line that says why, of what a failed program wrote. */
function reason(text: string): string {
  return /^.*Error: .*$/m.exec(text)?.[0] ?? text.trim().slice(-200);
}
