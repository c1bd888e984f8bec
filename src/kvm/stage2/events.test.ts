import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipa, pa } from '../../abi/address.ts';
import { HOST_PRESETS } from '../../host/config.ts';
import { boot } from '../../host/host.ts';
import { TestVmm } from '../../host/testing.ts';
import { assemble } from '../../isa/a64/assembler.ts';
import { encodeAddress, entryAddress, entryKind, LAST_LEVEL } from '../../machine/translation/format.ts';
import { walk, type Step } from '../../machine/translation/walk.ts';
import { ACCESS_FLAG, S2AP_WRITE, XN_HIGH } from './attributes.ts';
import { MAINTENANCE, MOST_EVENTS, NO_LEVEL, Stage2Events, type Stage2Event } from './events.ts';
import { Stage2 } from './tables.ts';

const RAM = [{ base: 0x4000_0000n, size: 0x0100_0000n }];
/** No preset has 64K pages. */
const MAX_64K = { cpu: 'max', pageSize: 65536, mode: 'vhe' } as const;
const host = (name: string) =>
  boot({ ...(HOST_PRESETS.find((row) => row.name === name)?.config ?? MAX_64K), ram: RAM });

const eventsOf = ({ events }: Stage2, from = 0): Stage2Event[] =>
  Array.from({ length: events.count - from }, (_, n) => events.at(from + n)!);
const valid = (value: bigint) => (value & 1n) !== 0n;

/** The entries that a record says there are: address to descriptor, those that are 0 left out. */
function replay({ table: { tables } }: Stage2, events: readonly Stage2Event[], pageSize: number): Map<number, bigint> {
  const { format } = tables;
  const entries = new Map<number, bigint>();
  const set = (at: number, value: bigint) => (value === 0n ? entries.delete(at) : entries.set(at, value));
  const halves = (value: bigint) => [Number(value & 0xffff_ffffn), Number(value >> 32n)] as const;
  const forget = (value: bigint, level: number): void => {
    if (entryKind(format, level, halves(value)[0]) !== 'table') return;
    const below = entryAddress(format, level, ...halves(value), 'table');
    for (let at = below; at < below + pageSize; at += 8) {
      const entry = entries.get(at);
      if (entry !== undefined) forget(entry, level + 1);
      entries.delete(at);
    }
  };
  events.forEach((event, index) => {
    const { operation, at, before, after, level, size } = event;
    if (at < 0) return;
    if (operation === 'fill') {
      const span = 2 ** (format.granule.shift + (LAST_LEVEL - level) * format.granule.bitsPerLevel);
      const kind = level === LAST_LEVEL ? 'page' : 'block';
      const first = entryAddress(format, level, ...halves(after), kind);
      const rest = after ^ address(first);
      for (let n = 0; n * span < size; n++) set(at + n * 8, rest | address(first + n * span));
      return;
    }
    expect(entries.get(at) ?? 0n).toBe(before);
    if (valid(before) && valid(after)) {
      const mayDiffer = BigInt(ACCESS_FLAG | S2AP_WRITE) | (BigInt(XN_HIGH) << 32n);
      expect((before ^ after) & ~mayDiffer).toBe(0n);
    }
    if (operation === 'break') {
      expect(event.flush).not.toBe('none');
      expect(events[index + 1]).toMatchObject({ operation: 'make', at, before: after });
    }
    if (valid(before) && !valid(after)) forget(before, level);
    set(at, after);
  });
  return entries;

  function address(output: number): bigint {
    const { low, high } = encodeAddress(format, output);
    return (BigInt(high) << 32n) | BigInt(low);
  }
}

/** The entries there are in memory. */
function inMemory({ table: { tables } }: Stage2, memory: Parameters<typeof walk>[0]): Map<number, bigint> {
  const entries = new Map<number, bigint>();
  const note = ({ pa: at, low, high }: Step) => {
    if (low !== 0 || high !== 0) entries.set(at, (BigInt(high) << 32n) | BigInt(low));
    return 0;
  };
  walk(memory, tables, 0, 2 ** tables.inputBits, { leaf: note, table: note });
  return entries;
}

interface Leaf {
  readonly input: number;
  readonly size: number;
  readonly output: number;
  write: boolean;
  execute: boolean;
  young: boolean;
}

const operation = fc.record({
  op: fc.constantFrom('map', 'map', 'map', 'relax', 'unmap', 'write-protect', 'split', 'age', 'make-young'),
  block: fc.boolean(),
  /** In pages from a block's start. */
  at: fc.nat({ max: 24 }),
  /** Which of a few blocks. */
  where: fc.nat({ max: 2 }),
  length: fc.integer({ min: 1, max: 12 }),
  output: fc.nat({ max: 5 }),
  write: fc.boolean(),
  execute: fc.boolean(),
});

describe.each([
  ['a57-4k', [32, 40, 44]],
  ['n1-4k', [40, 48]],
  ['max-4k', [40, 52]],
  ['max-16k', [36, 40, 48]],
  ['64K pages', [40, 48, 52]],
])('stage 2 on %s', (name, sizes) => {
  it.each(sizes)('of %i bits is what a simple model says, and what its record says', (bits) => {
    const { kvm, machine } = host(name);
    const { memory } = machine;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (steps) => {
        const used = memory.pages.used;
        const stage2 = Stage2.create(kvm, bits)!;
        const { table } = stage2;
        const page = kvm.host.pageSize;
        const block = table.span(2);
        let model: Leaf[] = [];
        const touches = (leaf: Leaf, start: number, end: number) => leaf.input < end && leaf.input + leaf.size > start;
        for (const { op, block: large, at, where, length, output, write, execute } of steps) {
          const base = where * block + (where === 2 ? 2 ** 31 : 0);
          const size = large ? block : page;
          const input = large ? base : base + at * page;
          const end = Math.min(base + block, input + length * page);
          const inside = (leaf: Leaf) => touches(leaf, input, end);
          if (op === 'map') {
            const to = output * block + (large ? 0 : at * page);
            const same = model.some(
              (leaf) => leaf.input === input && leaf.size === size && leaf.output === to && leaf.young,
            );
            const result = stage2.map(ipa(input), size, pa(to), { write, execute });
            expect(result).toBe(same ? 'again' : 'mapped');
            if (same) continue;
            model = model.filter((leaf) => !touches(leaf, input, input + size));
            model.push({ input, size, output: to, write, execute, young: true });
          } else if (op === 'relax') {
            const leaf = model.find((each) => touches(each, input, input + 1));
            expect(stage2.relax(ipa(input), { write, execute })).toBe(leaf !== undefined);
            if (leaf) {
              leaf.write ||= write;
              leaf.execute ||= execute;
            }
          } else if (op === 'unmap') {
            stage2.unmap(input, end);
            model = model.filter((leaf) => !inside(leaf));
          } else if (op === 'write-protect') {
            stage2.writeProtect(input, end);
            for (const leaf of model.filter(inside)) leaf.write = false;
          } else if (op === 'split') {
            stage2.split(input, end, block);
            model = model.flatMap((leaf) => {
              if (leaf.size === page || !inside(leaf)) return [leaf];
              return Array.from({ length: block / page }, (_, n) => ({
                ...leaf,
                input: leaf.input + n * page,
                output: leaf.output + n * page,
                size: page,
                young: true,
              }));
            });
          } else if (op === 'age') {
            expect(stage2.age(input, end, true)).toBe(model.some((leaf) => inside(leaf) && leaf.young));
            for (const leaf of model.filter(inside)) leaf.young = false;
          } else {
            stage2.makeYoung(ipa(input));
            const leaf = model.find((each) => touches(each, input, input + 1));
            if (leaf) leaf.young = true;
          }
        }
        const found = table.leaves(0, 2 ** bits).map(({ input, size, output, value }) => ({
          input,
          size,
          output: Number(output),
          write: (value & BigInt(S2AP_WRITE)) !== 0n,
          execute: (value & (BigInt(XN_HIGH) << 32n)) === 0n,
          young: (value & BigInt(ACCESS_FLAG)) !== 0n,
        }));
        expect(found).toEqual(model.sort((a, b) => a.input - b.input));
        expect(replay(stage2, eventsOf(stage2), page)).toEqual(inMemory(stage2, memory));
        stage2.destroy();
        expect(memory.pages.used).toBe(used);
      }),
      { numRuns: 25 },
    );
  });
});

describe('the maintenance of an operation', () => {
  const brief = ({ operation, flush, flushLevel, maintenance }: Stage2Event) => {
    const names = Object.entries(MAINTENANCE).flatMap(([key, bit]) => ((maintenance & bit) === 0 ? [] : [key]));
    return [
      operation,
      ...(flush === 'none' ? [] : [flush, flushLevel === NO_LEVEL ? 'any' : flushLevel]),
      ...names,
    ].join(' ');
  };
  /** A page, its block in its place, the block split, its first page relaxed and taken out. */
  function sequence(name: string): string[] {
    const stage2 = Stage2.create(host(name).kvm, 40)!;
    const block = stage2.table.span(2);
    stage2.map(ipa(0), 4096, pa(0x20_0000), { write: false, execute: true });
    stage2.map(ipa(0), block, pa(0x20_0000), { write: false, execute: false });
    stage2.split(0, block, block);
    stage2.relax(ipa(0), { write: true, execute: true });
    stage2.unmap(0, 4096);
    stage2.flushRange(0, block);
    return eventsOf(stage2).map(brief);
  }

  it('cleans and invalidates on a CPU that has neither FWB nor DIC, and flushes the VM for a range', () => {
    expect(sequence('a57-4k')).toEqual(
      [
        'table',
        'table',
        'map cleanData invalidateInstructions barrier',
        'break vmid any',
        'make cleanData barrier',
        'fill',
        'break ipa 2',
        'make barrier',
        'relax ipa local 3 invalidateInstructions',
        'unmap ipa 3 cleanData',
        'flush vmid any',
      ].slice(stage2Levels('a57-4k')),
    );
  });

  it('ends each chunk of a split with a barrier', () => {
    const barriers = (chunk: (block: number) => number, start = 0): boolean[] => {
      const stage2 = Stage2.create(host('max-4k').kvm, 40)!;
      const block = stage2.table.span(2);
      for (const at of [0, 1, 511, 512]) {
        stage2.map(ipa(at * block), block, pa(0x20_0000), { write: true, execute: false });
      }
      const before = stage2.events.count;
      stage2.split(start, 513 * block, chunk(block));
      return eventsOf(stage2, before)
        .filter(({ operation }) => operation === 'make')
        .map(({ maintenance }) => (maintenance & MAINTENANCE.barrier) !== 0);
    };
    expect(barriers(() => 2 ** 30)).toEqual([false, false, true, true]);
    expect(barriers((block) => block)).toEqual([true, true, true, true]);
    expect(barriers(() => 4096)).toEqual([true, true, true, true]);
    expect(barriers(() => 2 ** 30, 2 << 20)).toEqual([false, true, true]);
  });

  it('takes ranges where the CPU has them, and puts the flush of an unmapped one off', () => {
    const dic = host('max-4k').kvm.features.cacheDic;
    const fetch = dic ? '' : ' invalidateInstructions';
    expect(sequence('max-4k')).toEqual(
      [
        'table',
        'table',
        `map${fetch} barrier`,
        'break range any',
        'make barrier',
        'fill',
        'break ipa 2',
        'make barrier',
        `relax ipa local 3${fetch}`,
        'unmap',
        'flush parts any',
        'flush range any',
      ].slice(stage2Levels('max-4k')),
    );
  });

  /** Tables above the first page that a walk of three levels has more than this. */
  function stage2Levels(name: string): number {
    const { startLevel } = Stage2.create(host(name).kvm, 40)!.table.tables;
    return startLevel - 1;
  }
});

describe('what KVM is asked to do', () => {
  const BASE = 0x4000_0000;
  const SIZE = 0x20000;
  /** Reads and writes the page at `BASE + 0x10000`, stores to a device, and again. */
  const GUEST = `movz x1, #0x4001, lsl #16\n movz x3, #0x900, lsl #16\nagain: ldr x2, [x1]\n str x2, [x1]\n str x2, [x3]\n b again\n`;

  function guest(name: string) {
    const vmm = new TestVmm(name);
    const vm = vmm.createVm();
    const ram = vmm.map(SIZE, { address: 0x1_0000_0000n });
    vmm.process.memory.write(ram, assemble(GUEST, { origin: BigInt(BASE) }).bytes);
    vmm.slot(0, BASE, SIZE, ram);
    const { fd } = vmm.vcpu();
    vmm.setCore(fd, 'pc', BigInt(BASE));
    let seen = 0;
    const news = (work: () => unknown) => {
      work();
      const found = eventsOf(vm.stage2, seen).map(
        ({ reason, operation, flush }) => `${reason}: ${operation}, ${flush}`,
      );
      seen = vm.stage2.events.count;
      return found;
    };
    return { vmm, vm, ram, news, run: () => vmm.ioctl(fd, 'KVM_RUN') };
  }

  it('is why each change was made', () => {
    const { vmm, ram, news, run } = guest('a57-4k');
    news(run);
    expect(news(run)).toEqual([]);
    expect(news(() => vmm.slot(0, BASE, SIZE, ram, 1))).toEqual([
      'logging enabled: write-protect, none',
      'logging enabled: write-protect, none',
      'logging enabled: flush, vmid',
    ]);
    expect(news(run)).toEqual(['permission fault: relax, ipa local']);
    expect(news(() => vmm.process.madvise(ram + 0x10000n, 0x1000, 'dontneed'))).toEqual([
      'host memory changed: unmap, ipa',
    ]);
    expect(news(run)).toEqual(['translation fault: map, none', 'permission fault: relax, ipa local']);
    expect(news(() => vmm.slot(0, BASE, 0, ram)).every((line) => line.startsWith('slot deleted: un'))).toBe(true);
  });

  it('an Access flag that the host cleared is set again by the fault that it makes, without FEAT_HAFDBS', () => {
    const { vmm, vm, ram, news, run } = guest('a57-4k');
    news(run);
    expect(vm.kvm.host.model.features.hardwareAccessFlag).toBe(false);
    const young = () => vmm.process.memory.age(ram + 0x10000n, 0x1000, true);
    expect(news(young)).toEqual(['host memory aged: age, none', 'host memory aged: flush, vmid']);
    expect(young()).toBe(false);
    expect(news(run)).toEqual(['access flag fault: make-young, none']);
    expect(young()).toBe(true);
  });
});

describe('the record', () => {
  it('keeps the newest rows, and says how many it dropped', () => {
    let now = 0;
    const events = new Stage2Events(() => now++);
    const more = 1000;
    for (let n = 0; n < MOST_EVENTS + more; n++) events.record('map', n, 1, 3, n * 8, 0, 0, n, 1, 'none', NO_LEVEL, 0);
    expect(events.dropped).toBe(more);
    expect(events.at(more - 1)).toBeNull();
    expect(events.at(more)).toMatchObject({
      seq: more,
      time: more,
      ipa: more,
      at: more * 8,
      after: (1n << 32n) | BigInt(more),
    });
    expect(events.at(MOST_EVENTS + more - 1)).toMatchObject({ ipa: MOST_EVENTS + more - 1 });
    expect(events.at(MOST_EVENTS + more)).toBeNull();
  });
});

it('mapping takes no flush of the TLB, and a descent for each page alone', () => {
  const { kvm } = host('max-4k');
  const stage2 = Stage2.create(kvm, 40)!;
  let flushes = 0;
  let reads = 0;
  const { cpu, memory } = kvm.host;
  const [invalidate, offset] = [cpu.invalidateStage2.bind(cpu), memory.offset.bind(memory)];
  cpu.invalidateStage2 = (vmid) => (flushes++, invalidate(vmid));
  memory.offset = (at) => (reads++, offset(at));
  const pages = 4096;
  for (let page = 0; page < pages; page++)
    stage2.map(ipa(page * 4096), 4096, pa(page * 4096), { write: true, execute: true });
  expect(flushes).toBe(0);
  expect(reads / pages).toBeLessThan(10);
  stage2.unmap(0, pages * 4096);
  expect(flushes).toBeLessThan(pages / 100);
});
