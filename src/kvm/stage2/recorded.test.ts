import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DIRTY_GFN_FLAGS } from '../../abi/constants.ts';
import { kvm_clear_dirty_log, kvm_dirty_log, kvm_vcpu_init } from '../../abi/structs.ts';
import { HOST_PRESETS, type HostConfig } from '../../host/config.ts';
import { boot, type Host } from '../../host/host.ts';
import { TestVmm } from '../../host/testing.ts';
import { walk, type Step } from '../../machine/translation/walk.ts';
import type { Inspected } from '../../session/views/inspected.ts';
import { dumpView } from '../../session/views/dump.ts';
import { RING_PAGE_OFFSET } from '../dirtyring.ts';
import { isRefusal, type IoctlResult } from '../refusal.ts';
import type { Vm } from '../vm.ts';
import { MAINTENANCE, NO_LEVEL, type Stage2Event } from './events.ts';
import { calls } from './tlbi.ts';

/**
 * Scenarios that were played on Linux 6.12 under QEMU (recorded/README.md): what each operation answered, the TLB and cache maintenance
 * that it took, in order, the tables as bytes without the addresses they map to, and debugfs' stage2_page_tables.
 */
const file = (name: string): Buffer => readFileSync(new URL(`./recorded/${name}`, import.meta.url));

const RAM = [{ base: 0x4000_0000n, size: 0x0800_0000n }];
const preset = (name: string): HostConfig => ({ ...HOST_PRESETS.find((row) => row.name === name)!.config, ram: RAM });
const HOSTS: Readonly<Record<string, HostConfig>> = {
  ...Object.fromEntries(['max-4k', 'max-4k-lpa2off', 'max-16k', 'n1-4k', 'a57-4k'].map((name) => [name, preset(name)])),
  'max-64k': { ...preset('max-4k'), pageSize: 65536 },
  'n1-64k': { ...preset('n1-4k'), pageSize: 65536 },
};

/** INT_MAX. */
const TLBI_TTL_UNKNOWN = 2147483647;
const CODE_SIZE = 65536;
const RING = 65536;
const MAILBOX = 0x1000_0000n;
/** The guest of recorder.c. */
const PROGRAM = [
  0xf9400140, 0xf9400541, 0xb40000a1, 0xf1000421, 0xb40000a1, 0xd63f0000, 0x17fffffa, 0xf9400002, 0x17fffff8,
  0xf9000000, 0x17fffff6,
];
const VECTOR = 0x200;
/** A block that a small host has room for. */
const MOST_BLOCK = 64 << 20;

interface Played {
  /** The operation as it is written. */
  readonly operation: string;
  readonly lines: readonly string[];
}

/** Operations of each scenario, with what was printed after each. */
function scenarios(text: string): Map<string, Played[]> {
  const found = new Map<string, Played[]>();
  let current: { operation: string; lines: string[] }[] | null = null;
  for (const line of text.split('\n')) {
    if (line.startsWith('scenario ')) found.set(line.slice('scenario '.length), (current = []));
    else if (line === 'end') current = null;
    else if (line.startsWith('  ')) current?.at(-1)?.lines.push(line.slice(2));
    else if (line !== '' && !line.startsWith('#')) current?.push({ operation: line, lines: [] });
  }
  return found;
}

/** Plays a scenario as recorder.c does, and gives what it prints. */
class Player {
  readonly #vmm: TestVmm;
  readonly #page: number;
  readonly #block: number;
  readonly #memory = new Map<string, bigint>();
  #vm: Vm | null = null;
  #vcpu: { fd: number; run: bigint } | null = null;
  #ring: bigint | null = null;
  #harvested = 0;
  #events = 0;
  #lines: string[] = [];

  constructor(host: Host) {
    this.#vmm = new TestVmm(host);
    this.#page = host.config.pageSize;
    this.#block = this.#page ** 2 / 8;
  }

  exit(): void {
    this.#vmm.process.exit();
  }

  /** Lines, and whether the process came to its end. */
  play(operation: string): { lines: string[]; over: boolean } {
    this.#lines = [];
    const [name = '', ...words] = operation.split(' ');
    const over = this.#do(name, words);
    this.#traced();
    return { lines: this.#lines, over };
  }

  #number(text: string): number {
    const factors: Record<string, number> = { b: this.#block, p: this.#page, g: 2 ** 30 };
    return text.split(/(?=[+-])/).reduce((sum, signed) => {
      const term = signed.replace(/^[+-]/, '');
      const factor = factors[term.at(-1)!];
      const value = factor ? Number(term.slice(0, -1)) * factor : Number(term);
      return signed.startsWith('-') ? sum - value : sum + value;
    }, 0);
  }

  #in(name: string, offset: string): bigint {
    return this.#memory.get(name)! + BigInt(this.#number(offset));
  }

  #result(result: IoctlResult): void {
    if (isRefusal(result)) this.#lines.push(result.errno);
    else if (result.ret > 0) this.#lines.push(String(result.ret));
  }

  #do(name: string, words: readonly string[]): boolean {
    const vmm = this.#vmm;
    const { process } = vmm;
    const [a = '', b = '', c = '', d = ''] = words;
    const at = () => [this.#in(a, b), this.#number(c)] as const;
    switch (name) {
      case 'vm': {
        const created = vmm.ioctl(vmm.kvm, 'KVM_CREATE_VM', BigInt(this.#number(a)));
        if (isRefusal(created)) {
          this.#lines.push(`vm ${created.errno}`);
          return true;
        }
        vmm.vm = created.ret;
        this.#vm = process.descriptor(created.ret) as Vm;
        break;
      }
      case 'cap':
        this.#result(vmm.enable(this.#number(a), BigInt(this.#number(b))));
        break;
      case 'mem':
        this.#map(a, b === 'private', this.#number(c));
        break;
      case 'slot':
        this.#result(
          vmm.slot(this.#number(a), this.#number(c), this.#number(d), this.#in(words[4]!, words[5]!), Number(b)),
        );
        break;
      case 'read':
      case 'write':
      case 'exec':
        this.#guest(['read', 'write', 'exec'].indexOf(name), this.#number(a));
        break;
      case 'again':
        this.#step();
        break;
      case 'hread':
        process.memory.read(this.#in(a, b), 1);
        break;
      case 'hwrite':
        process.memory.write(this.#in(a, b), Uint8Array.of(1));
        break;
      case 'munmap':
        this.#result(process.munmap(...at()));
        break;
      case 'dontneed':
        this.#result(process.madvise(...at(), 'dontneed'));
        break;
      case 'nohuge':
        this.#result(process.madvise(...at(), 'nohugepage'));
        break;
      case 'protect':
        this.#result(process.mprotect(...at(), { readable: d.includes('r'), writable: d.includes('w') }));
        break;
      case 'age':
        process.memory.age(...at(), false);
        break;
      case 'init':
        this.#result(vmm.call(this.#vcpu!.fd, 'KVM_ARM_VCPU_INIT', kvm_vcpu_init, { target: 5, features: [4] }));
        break;
      case 'log':
        this.#log(Number(a));
        break;
      case 'clear': {
        const words = vmm.map(65536);
        process.memory.write(words, new Uint8Array(BigUint64Array.of(BigInt(d)).buffer));
        const arg = { slot: Number(a), first_page: BigInt(b), num_pages: Number(c), dirty_bitmap: words };
        this.#result(vmm.call(vmm.vm, 'KVM_CLEAR_DIRTY_LOG', kvm_clear_dirty_log, arg));
        break;
      }
      case 'harvest':
        this.#harvest();
        break;
      case 'reset':
        this.#result(vmm.ioctl(vmm.vm, 'KVM_RESET_DIRTY_RINGS'));
        break;
      case 'dump':
        this.#dump();
        break;
      default:
        throw new Error(`no operation ${name}`);
    }
    return false;
  }

  #map(name: string, isPrivate: boolean, size: number): void {
    const align = this.#block;
    const start = this.#vmm.map(size + 2 * align, { shared: !isPrivate });
    const at = start + ((BigInt(align) - (start % BigInt(align))) % BigInt(align));
    this.#memory.set(name, at);
    this.#vmm.process.munmap(at + BigInt(size), align);
  }

  #log(slot: number): void {
    const bytes = 65536 * 8;
    const at = this.#vmm.map(bytes);
    this.#result(this.#vmm.call(this.#vmm.vm, 'KVM_GET_DIRTY_LOG', kvm_dirty_log, { slot, dirty_bitmap: at }));
    const words = this.#vmm.process.memory.read(at, bytes)!;
    let [set, first] = [0, 0];
    words.forEach((byte, index) => {
      for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1 && set++ === 0) first = index * 8 + bit;
    });
    if (set > 0) this.#lines.push(`dirty ${set} from ${first}`);
  }

  #harvest(): void {
    const { memory } = this.#vmm.process;
    this.#ring ??= this.#vmm.map(RING, { fd: this.#vcpu!.fd, offset: BigInt(RING_PAGE_OFFSET * this.#page) });
    for (; ; this.#harvested++) {
      const at = this.#ring + BigInt((this.#harvested * 16) % RING);
      const entry = new DataView(memory.read(at, 16)!.slice().buffer);
      const flags = entry.getUint32(0, true);
      if ((flags & DIRTY_GFN_FLAGS.KVM_DIRTY_GFN_F_DIRTY) === 0) return;
      this.#lines.push(`page ${entry.getBigUint64(8, true)} of ${entry.getUint32(4, true)}`);
      memory.write(at, Uint8Array.of(flags | DIRTY_GFN_FLAGS.KVM_DIRTY_GFN_F_RESET));
    }
  }

  /* ------------------------------------------------------------ the guest */

  #guest(what: number, ipa: number): void {
    if (!this.#vcpu) {
      this.#start();
      if (!this.#step()) return;
      this.#traced();
    }
    this.#answer(BigInt(ipa));
    if (!this.#step()) return;
    this.#answer(BigInt(what));
    this.#step();
  }

  #start(): void {
    const vmm = this.#vmm;
    this.#vcpu = vmm.vcpu();
    const at = vmm.map(2 * CODE_SIZE);
    const code = at + ((BigInt(CODE_SIZE) - (at % BigInt(CODE_SIZE))) % BigInt(CODE_SIZE));
    const back = 0x14000000 | ((-VECTOR / 4) & 0x3ffffff);
    vmm.process.memory.write(code, new Uint8Array(Uint32Array.from(PROGRAM).buffer));
    vmm.process.memory.write(code + BigInt(VECTOR), new Uint8Array(Uint32Array.of(back).buffer));
    this.#result(vmm.slot(31, 0, CODE_SIZE, code));
    vmm.setCore(this.#vcpu.fd, 'x10', MAILBOX);
    vmm.setCore(this.#vcpu.fd, 'pc', 0n);
  }

  /** Runs to the next exit, and says which where it is not the mailbox. */
  #step(): boolean {
    for (;;) {
      const { fd, run } = this.#vcpu!;
      const result = this.#vmm.ioctl(fd, 'KVM_RUN');
      if (isRefusal(result)) {
        this.#lines.push(`run ${result.errno}`);
        return false;
      }
      const { exit_reason: reason, mmio } = this.#vmm.runStruct(run) as {
        exit_reason: number;
        mmio: { phys_addr: bigint; is_write: number };
      };
      if (reason !== 6) {
        this.#lines.push(`exit ${reason}`);
        return false;
      }
      if (mmio.phys_addr >= MAILBOX && mmio.phys_addr < MAILBOX + 16n) return true;
      this.#lines.push(`mmio ${mmio.is_write ? 'write' : 'read'} 0x${mmio.phys_addr.toString(16)}`);
      if (!mmio.is_write) this.#answer(0n);
    }
  }

  #answer(value: bigint): void {
    // kvm_run.mmio.data
    this.#vmm.process.memory.write(this.#vcpu!.run + 40n, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  /* ------------------------------------------------------------ what was done */

  #traced(): void {
    const stage2 = this.#vm?.stage2;
    if (!stage2) return;
    for (; this.#events < stage2.events.count; this.#events++) {
      this.#lines.push(...maintenanceOf(this.#vm!, stage2.events.at(this.#events)!));
    }
  }

  #dump(): void {
    const { stage2 } = this.#vm!;
    const { tables } = stage2.table;
    const { memory } = this.#vmm.host.machine;
    const counts = [0, 0, 0, 0];
    counts[tables.startLevel] = stage2.table.rootPages;
    const ADDRESS = 0x3fffffffff000n;
    let last: { start: number; end: number; level: number; bits: bigint } | null = null;
    const flush = () => {
      if (last)
        this.#lines.push(
          `0x${last.start.toString(16)}-0x${last.end.toString(16)} ${last.level} 0x${last.bits.toString(16)}`,
        );
    };
    walk(memory, tables, 0, 2 ** tables.inputBits, {
      leaf: ({ low, high, input, size, level }: Step) => {
        const value = (BigInt(high) << 32n) | BigInt(low);
        if (value === 0n) return 0;
        const bits = value & ~ADDRESS;
        if (last && last.end === input && last.level === level && last.bits === bits) last.end += size;
        else {
          flush();
          last = { start: input, end: input + size, level, bits };
        }
        return 0;
      },
      table: ({ level }: Step) => {
        counts[level + 1]!++;
        return 0;
      },
    });
    flush();
    this.#lines.push(`tables ${counts.join(' ')}`);
    const view = dumpView({ memory, process: this.#vmm.process.memory } as Inspected, this.#vm!);
    // The kernel keeps the last range to itself: nothing comes after it that would have it printed.
    if (view.view === 'dump') this.#lines.push(...view.lines.slice(0, -1).map((line) => `|${line}`));
  }
}

/** A row's maintenance as the kernel's functions were called. */
function maintenanceOf({ kvm, stage2 }: Vm, event: Stage2Event): string[] {
  const { operation, flush, flushLevel, flushIpa, ipa, size, maintenance } = event;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const lines: string[] = [];
  const level = flushLevel === NO_LEVEL ? TLBI_TTL_UNKNOWN : flushLevel;
  if (flush === 'ipa') lines.push(`tlbi_ipa addr=${hex(flushIpa)} level=${level}`);
  if (flush === 'ipa local') lines.push(`tlbi_ipa_nsh addr=${hex(flushIpa)} level=${level}`);
  if (flush === 'vmid') lines.push('tlbi_vmid');
  if (flush === 'range' || flush === 'parts') {
    for (const [at, pages] of calls({ granule: kvm.granule, part: stage2.part }, ipa, size, flush === 'parts')) {
      lines.push(`tlbi_range addr=${hex(at)} pages=${hex(pages)}`);
    }
  }
  const clean = (maintenance & MAINTENANCE.cleanData) !== 0 ? [`clean size=${hex(size)}`] : [];
  const icache = (maintenance & MAINTENANCE.invalidateInstructions) !== 0 ? [`icache size=${hex(size)}`] : [];
  return operation === 'unmap' ? [...lines, ...clean] : [...clean, ...icache, ...lines];
}

/** Calls that say why; what they did is in the lines compared. */
const CALLS = /^(map|relax|unmap|wrprotect|split|mkyoung|age) /;

/** What of the recorded lines does not count on a host: one reason a row. */
const NOT_SEEN: readonly { readonly lines: RegExp; readonly on: (config: HostConfig) => boolean }[] = [
  { lines: CALLS, on: () => true },
  // With FEAT_S2FWB the function that was called does nothing.
  { lines: /^clean /, on: ({ cpu }) => cpu === 'max' },
  // The functions are the hypervisor's, which can't be probed.
  { lines: /^tlbi_/, on: ({ mode }) => mode !== 'vhe' },
];

describe.each(Object.entries(HOSTS))('stage 2 on %s is as on the real kernel', (name, config) => {
  const host = boot(config);
  const recorded = scenarios(gunzipSync(file(`${name}.txt.gz`)).toString());
  const asked = scenarios(file('scenarios.txt').toString());
  const compared = (lines: readonly string[]): string[] =>
    lines.filter((line) => !NOT_SEEN.some((row) => row.on(config) && row.lines.test(line)));

  it('in the scenarios that fit', () => {
    const fits = config.pageSize ** 2 / 8 <= MOST_BLOCK;
    expect([...recorded.keys()]).toEqual([...asked.keys()].filter((each) => fits || !each.endsWith(' huge')));
  });

  // A record that ends with a signal is of a guest that the emulator could not run.
  const ended = [...recorded].filter(
    ([, operations]) => !operations.some(({ operation }) => /^signal /.test(operation)),
  );
  it.each(ended)('in %s', (_, operations) => {
    const player = new Player(host);
    const ours: Played[] = [];
    for (const { operation } of operations) {
      const { lines, over } = player.play(operation);
      ours.push({ operation, lines: compared(lines) });
      if (over) break;
    }
    player.exit();
    expect(ours).toEqual(operations.map(({ operation, lines }) => ({ operation, lines: compared(lines) })));
  });
});
