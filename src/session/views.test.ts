import { describe, expect, it } from 'vitest';
import { OFF, Page, VMM } from './page.testing.ts';

let page: Page;
const fresh = async (): Promise<Page> => (page = await Page.open(structuredClone));

describe('views', () => {
  it('memory of all spaces shows the same bytes of the guest', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vcpu } = page.status;
    const slots = page.view({ view: 'memoryMap', vm: vcpu!.vm }).regions;
    expect(slots).toMatchObject([{ name: 'slot 0', base: 0x4000_0000n, size: 0x1_0000n }]);
    const walk = () => page.view({ view: 'walk', vcpu: vcpu!.vcpu, va: 0x4000_0000n, access: 'execute' });
    expect(walk().result).toMatchObject({ ok: false, stage: 2, message: expect.stringContaining('slot 0') });
    page.do({ type: 'stepInstruction' });
    const { result } = walk();
    if (!result.ok) throw new Error(result.message);
    const NOP = [0x1f, 0x20, 0x03, 0xd5];
    for (const [space, address] of [
      ['va', 0x4000_0000n],
      ['ipa', 0x4000_0000n],
      ['pa', result.pa],
      ['hva', slots[0]!.userspaceAddress!],
    ] as const) {
      const view = page.view({ view: 'memory', space, vm: vcpu!.vm, vcpu: vcpu!.vcpu, address, length: 4 });
      expect(view.runs, space).toEqual([{ offset: 0, data: Uint8Array.from(NOP) }]);
    }
    expect(page.view({ view: 'memoryMap', vm: vcpu!.vm }).regions[0]?.mapped).toBe(0x1000n);
  });

  it('looking changes nothing', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vm, vcpu } = page.status.vcpu!;
    const map = () => page.view({ view: 'memoryMap', vm });
    const before = map();
    page.view({ view: 'memory', space: 'va', vcpu, address: 0x4000_0000n, length: 65536 });
    page.view({ view: 'disassembly', vcpu, address: 0x4000_4000n, count: 100 });
    page.view({ view: 'walk', vcpu, va: 0x4000_0000n, access: 'write' });
    expect(map()).toEqual(before);
  });

  it('the stage 2 entry that an instruction brings about is marked as changed, with the tables above it', async () => {
    await fresh();
    page.load(`        nop\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    const { vm } = page.status.vcpu!;
    const tables = () => page.view({ view: 'tables', stage: 2, vm, from: 0, count: 100, toward: 0x4000_0000n });
    expect(tables().title).toBe('IPA 40 bits, 4K granule, start level 1, 2 concatenated tables');
    expect(tables().roots[0]).toMatchObject({ valid: 0, total: 1024 });
    page.do({ type: 'stepInstruction' });
    const changed = () =>
      tables().rows.flatMap(({ level, entry }) => (entry?.changed ? [[level, entry.kind, entry.count]] : []));
    expect(changed()).toEqual([
      [1, 'table', 1],
      [2, 'table', 1],
      [3, 'page', 1],
    ]);
    page.do({ type: 'stepInstruction' });
    expect(changed()).toEqual([]);
  });

  it('a poke is seen by the guest, code included', async () => {
    await fresh();
    page.load(`        mov     x0, #1\n        mov     x1, #2\n${OFF}`);
    page.do({ type: 'stepInstruction' });
    page.do({ type: 'stepInstruction' });
    // mov x1, #7
    page.send({ type: 'poke', space: 'va', address: 0x4000_0004n, data: Uint8Array.of(0xe1, 0x00, 0x80, 0xd2) });
    page.do({ type: 'stepInstruction' });
    expect(page.x('x1')).toBe(7n);
    page.send({ type: 'poke', space: 'pa', address: 0n, data: Uint8Array.of(1) });
    expect(page.refusals).toHaveLength(1);
  });

  it('a poke of memory that was only read is of that page alone', async () => {
    await fresh();
    const read = ['        ldr     x0, [x5]', '        ldr     x1, [x6]'].join('\n');
    const addresses = '        ldr     x5, =0x40008000\n        ldr     x6, =0x40009000\n';
    page.load(`${addresses}${read}\n${read}\n${OFF}`, VMM.replace('shared: true', 'shared: false'));
    for (let step = 0; step < 5; step++) page.do({ type: 'stepInstruction' });
    page.send({ type: 'poke', space: 'va', address: 0x4000_8000n, data: Uint8Array.of(7) });
    for (let step = 0; step < 2; step++) page.do({ type: 'stepInstruction' });
    expect([page.x('x0'), page.x('x1'), page.refusals]).toEqual([7n, 0n, []]);
  });

  it('a watch is answered at once, at each stop, and no more once taken away', async () => {
    await fresh();
    const count = () => page.events.filter((event) => event.type === 'view').length;
    page.send({ type: 'watch', id: 'map', query: { view: 'memoryMap', vm: 4 } });
    expect(count()).toBe(1);
    page.load(OFF);
    expect(count()).toBe(2);
    page.do({ type: 'stepIoctl' });
    expect(count()).toBe(3);
    page.send({ type: 'unwatch', id: 'map' });
    page.do({ type: 'stepIoctl' });
    expect(count()).toBe(3);
  });
});
