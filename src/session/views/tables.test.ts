import { beforeAll, describe, expect, it } from 'vitest';
import type { Event, Query, RowRef, Sandbox, TablesShown, View } from '../messages.ts';
import { Session } from '../session.ts';

/** A guest that touches every page of its memory but the first, writing, and stops. */
const PAGES = 1200;
const SANDBOX: Sandbox = {
  host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: 0x4000_0000n, size: 0x0400_0000n }] },
  script: `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(${PAGES} * 4096);
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
await ioctl(vcpu, KVM_RUN);
await ioctl(kvm, KVM_GET_API_VERSION);
`,
  guest: `        ldr     x0, =0x40001000
        mov     x1, #${PAGES - 1}
loop:   str     x1, [x0]
        add     x0, x0, #4096
        subs    x1, x1, #1
        b.ne    loop
        ldr     w0, =0x84000008
        hvc     #0
`,
};

let session: Session;
const events: Event[] = [];
const ask = <V extends Query['view']>(query: Extract<Query, { view: V }>): Extract<View, { view: V }> => {
  const view = session.query(query);
  if (view.view !== query.view) throw new Error(JSON.stringify(view));
  return view as Extract<View, { view: V }>;
};
const run = (type: 'run' | 'stepIoctl' | 'stepInstruction') => {
  session.handle({ type });
  while (session.slice());
};
const VM = 4;

beforeAll(async () => {
  session = await Session.create((event) => events.push(event));
  session.handle({ type: 'load', sandbox: SANDBOX, breakpoints: [] });
  run('stepInstruction');
  expect(session.status.vms[0]?.fd).toBe(VM);
  shown();
  session.handle({ type: 'keepTables', keep: true });
  run('stepIoctl');
});

/** Rows of stage 2. */
function shown(asked: Partial<TablesShown> = {}) {
  return ask({ view: 'tables', stage: 2, vm: VM, from: 0, count: 2000, ...asked });
}
const entries = (asked: Partial<TablesShown>) => shown(asked).rows.flatMap(({ entry }) => entry ?? []);
const pages = (asked: Partial<TablesShown>) =>
  entries({ openAll: true, ...asked }).filter(({ kind }) => kind === 'page');

describe('the rows of the tables', () => {
  it('are the roots and their entries until a table is opened, each with its place', () => {
    const { rows, total, highest } = shown();
    expect(rows.map(({ depth, position, siblings, parent }) => [depth, position, siblings, parent])).toEqual([
      [1, 1, 1, null],
      [2, 1, 3, 0],
      [2, 2, 3, 0],
      [2, 3, 3, 0],
    ]);
    expect([total, highest]).toEqual([4, rows[3]!.entry!.inputBase]);
    const table = rows[2]!;
    expect(table).toMatchObject({ opens: 'table', open: false, entry: { kind: 'table', index: 1 } });
    const opened = shown({ opened: [table.table!.address] });
    expect(opened.rows[2]).toMatchObject({ id: table.id, open: true });
    expect(opened.rows[3]).toMatchObject({ depth: 3, parent: 2, level: 2, entry: { index: 0 } });
    expect(shown({ openAll: true, closed: [table.table!.address] }).rows).toEqual(rows);
    expect(shown({ closed: [rows[0]!.table!.address] }).rows).toHaveLength(1);
  });

  it('have every mapped page, one by one', () => {
    const found = pages({});
    expect(found).toHaveLength(PAGES);
    expect(found.every(({ count }) => count === 1)).toBe(true);
    expect(found[1]!.attributes).toContain('read/write');
  });

  it('merge neighbours that map as one, losing none; a run opens to its single entries', () => {
    const merged = pages({ merge: true });
    expect(merged.length).toBeLessThan(PAGES);
    expect(merged.reduce((sum, { count }) => sum + count, 0)).toBe(PAGES);
    const long = merged.find(({ count }) => count > 1)!;
    const { rows } = shown({ openAll: true, merge: true, runs: [long.address] });
    const at = rows.findIndex(({ opens, open }) => opens === 'run' && open);
    const members = rows.filter(({ parent }) => parent === at);
    expect(members).toHaveLength(long.count);
    members.forEach(({ entry, position, siblings, depth }, index) => {
      expect([position, siblings, depth]).toEqual([index + 1, long.count, rows[at]!.depth + 1]);
      expect(entry!.output).toBe(long.output! + BigInt(index) * 4096n);
      expect(entry!.inputBase).toBe(long.inputBase + BigInt(index) * 4096n);
      expect(entry!.attributes).toBe(long.attributes);
    });
  });

  it('are the same in any window, and are found by number, id and address', () => {
    const asked = {
      openAll: true,
      merge: true,
      runs: [pages({ merge: true }).find(({ count }) => count > 1)!.address],
    };
    const all = shown(asked);
    expect(all.rows).toHaveLength(all.total);
    expect(new Set(all.rows.map(({ id }) => id)).size).toBe(all.total);
    for (let from = 0; from < all.total; from += 7) {
      expect(shown({ ...asked, from, count: 7 }).rows).toEqual(
        all.rows.slice(Math.min(from, all.total - 7), Math.min(from + 7, all.total)),
      );
    }
    all.rows.forEach((row, index) => {
      const found = (ref: RowRef) => shown({ ...asked, count: 1, ref }).found;
      expect(found({ id: row.id })).toEqual({ ref: { id: row.id }, index, row });
      expect(found({ index })).toEqual({ ref: { index }, index, row });
      if (!row.entry || row.open) return;
      const input = row.entry.inputBase + row.entry.inputSize - 1n;
      expect(found({ input })).toEqual({ ref: { input }, index, row });
    });
    for (const ref of [{ index: all.total }, { input: 1n << 40n }, { id: '0/9999' }, { id: '1' }, { id: 'x/+' }])
      expect(shown({ ...asked, count: 1, ref }).found).toBeNull();
  });

  it('open towards an address, whatever else is open', () => {
    const input = 0x4000_3000n;
    const { rows, found } = shown({ toward: input, ref: { input } });
    expect(found!.row).toMatchObject({ level: 3, entry: { index: 3, kind: 'page', inputBase: input } });
    expect(rows[found!.index]).toEqual(found!.row);
    expect(rows.filter(({ open }) => open).map(({ depth }) => depth)).toEqual([1, 2, 3]);
  });

  it('show an entry by its id where others were merged with it or are not any more', () => {
    const single = shown({ openAll: true, ref: { input: 0x4000_3000n } }).found!.row;
    const merged = shown({ openAll: true, merge: true, ref: { id: single.id } }).found!.row;
    expect(merged.entry!.count).toBeGreaterThan(1);
    expect(merged.entry!.index).toBeLessThanOrEqual(3);
    const first = shown({ openAll: true, ref: { id: merged.id } }).found!.row;
    expect(first.entry).toMatchObject({ index: merged.entry!.index, count: 1 });
    const { runs, ...opened } = { runs: [merged.entry!.address], openAll: true, merge: true };
    expect(shown({ ...opened, runs, ref: { id: single.id } }).found!.row.entry).toEqual(single.entry);
    expect(shown({ ...opened, runs, ref: { id: merged.id } }).found!.row.entry).toEqual(merged.entry);
    expect(shown({ ref: { id: single.id } }).found).toBeNull();
  });

  it('count what changed against a kept moment, and show that alone', () => {
    const view = shown({ onlyChanged: true, since: 'kept' });
    // The first page's table was there; beside the pages the tables on the way are entries too.
    expect(view.kept).not.toBeNull();
    expect(view.roots[0]!.changed).toBe(PAGES + Math.ceil(PAGES / 512) + 1);
    expect(view.rows[1]!.entry).toMatchObject({ kind: 'table', changed: true, before: 0n });
    expect(view.rows.every(({ entry, table }) => entry?.changed || table!.changed > 0)).toBe(true);
    expect(view.rows.filter(({ parent }) => parent === 0)).toHaveLength(1);
    expect(view.total).toBe(1 + PAGES + Math.ceil(PAGES / 512) + 1);
  });
});

/** A page in the first of the tables of the last level. */
const leaf = (index: number) =>
  shown({ toward: 0x4000_0000n + BigInt(index) * 4096n, ref: { input: 0x4000_0000n + BigInt(index) * 4096n } }).found!
    .row.entry!;
const leafTable = () => leaf(0).address;

describe('one table', () => {
  it('has all entries with their kinds, and the way to it', () => {
    const view = ask({ view: 'table', stage: 2, vm: VM, address: leafTable() });
    expect(view.level).toBe(3);
    expect(view.path.map(({ level }) => level)).toEqual([1, 2]);
    expect([...view.kinds].filter((kind) => kind === 3)).toHaveLength(512);
    expect(view.entrySize).toBe(4096n);
    expect(view.outputs[5]).toBe(leaf(5).output);
    const root = ask({ view: 'table', stage: 2, vm: VM, address: 0n });
    expect(root).toMatchObject({ level: 1, concatenated: 2, path: [] });
    expect(root.values).toHaveLength(1024);
  });

  it('says which entries changed since the kept moment, and what they were', () => {
    const table = leafTable();
    const since = () => ask({ view: 'table', stage: 2, vm: VM, address: table, since: 'kept' });
    const put = (index: number, value: bigint) =>
      session.handle({
        type: 'poke',
        space: 'pa',
        address: table + BigInt(index) * 8n,
        data: new Uint8Array(BigUint64Array.of(value).buffer),
      });
    // All of its pages came after that moment.
    expect(since()).toMatchObject({ kept: expect.any(BigInt), before: new BigUint64Array(512) });
    expect(since().changed.every((each) => each === 1)).toBe(true);
    const { values } = since();
    session.handle({ type: 'keepTables', keep: true });
    put(7, values[7]! ^ 0x80n);
    const edited = since();
    put(7, values[7]!);
    expect([...edited.changed].flatMap((each, index) => (each ? index : []))).toEqual([7]);
    expect(edited.before[7]).toBe(values[7]);
    expect(since().changed.every((each) => each === 0)).toBe(true);
  });
});

describe('the dump', () => {
  it('has a line for neighbours with the same permissions, as the kernel writes it', () => {
    const { lines, cut } = ask({ view: 'dump', stage: 2, vm: VM });
    expect(cut).toBe(false);
    expect(lines[0]).toBe('---[ Guest IPA ]---');
    expect(lines[1]).toBe('0x0000000000000000-0x0000000040000000           1G 1');
    expect(lines.slice(2, -3).join('\n')).toMatch(
      /^0x0000000040000000-0x0000000040\w{6}   +\d+[KM] 3   R W   AF    $/m,
    );
    expect(lines.at(-1)).toBe('0x0000000080000000-0x0000010000000000        1022G 1');
  });
});

describe('a descriptor', () => {
  it('is told in its own format and in the eleven others', () => {
    const { value } = leaf(3);
    const view = ask({ view: 'descriptor', stage: 2, vm: VM, level: 3, value });
    expect(view.kind).toBe('page');
    expect(view.others).toHaveLength(11);
    expect(view.others[0]).toMatchObject({ ok: true, level: 3 });
    expect(ask({ view: 'descriptor', stage: 2, vm: VM, level: 3, value: 0n })).toMatchObject({
      kind: 'invalid',
      others: [],
    });
    const change = (before: bigint) => ask({ view: 'descriptor', stage: 2, vm: VM, level: 3, value, before }).change;
    expect(view.change).toBeNull();
    expect(change(value)).toBeNull();
    expect(change(0n)?.needed).toBe('nothing');
    expect(change(value ^ (1n << 7n))?.needed).toBe('invalidate');
    expect(change(value + 0x1000n)?.needed).toBe('break');
  });

  it('edited in place is what the guest runs on with', async () => {
    const own = await Session.create(() => undefined);
    // It reads one page again and again.
    const guest = `        ldr     x0, =0x40002000
        mov     x1, #7
        str     x1, [x0]
        str     x1, [x0, #4096]
loop:   ldr     x2, [x0]
        b       loop
`;
    own.handle({ type: 'load', sandbox: { ...SANDBOX, guest }, breakpoints: [] });
    const step = () => {
      own.handle({ type: 'stepInstruction' });
      while (own.slice());
    };
    for (let steps = 0; steps < 8; steps++) step();
    const x2 = () => {
      const view = own.query({ view: 'registers', vcpu: own.status.vcpu!.vcpu });
      if (view.view !== 'registers') throw new Error(view.view);
      return view.groups.flatMap(({ registers }) => registers).find(({ name }) => name === 'x2')?.value;
    };
    expect(x2()).toBe(7n);
    const walk = own.query({ view: 'walk', vcpu: own.status.vcpu!.vcpu, va: 0x4000_2000n, access: 'read' });
    const leaf = walk.view === 'walk' ? walk.steps.at(-1)! : null;
    // The page after next, which nobody wrote: bits of the output address.
    const data = new Uint8Array(8);
    new DataView(data.buffer).setBigUint64(0, leaf!.value + 0x2000n, true);
    own.handle({ type: 'poke', space: 'pa', address: leaf!.descriptorPa, data });
    step();
    step();
    expect(x2()).toBe(0n);
  });
});

describe('a guest’s run of contiguous pages', () => {
  /** Sixteen pages at VA 0x80000000 lead to 0x40020000; the guest reads the sixth again and again. */
  const guest = `
        .equ    PAGE,    0x703 + (1 << 52)
        ldr     x0, =0x40010000
        ldr     x1, =0x40000701
        str     x1, [x0, #8]
        ldr     x1, =0x40011003
        str     x1, [x0, #16]
        ldr     x1, =0x40012003
        ldr     x2, =0x40011000
        str     x1, [x2]
        ldr     x0, =0x40012000
        ldr     x1, =0x40020000 + PAGE
        mov     x3, #16
fill:   str     x1, [x0], #8
        add     x1, x1, #4096
        subs    x3, x3, #1
        b.ne    fill
        ldr     x0, =0x40025000
        mov     x1, #7
        str     x1, [x0]
        mov     x0, #0xff
        msr     mair_el1, x0
        ldr     x0, =0x200803519
        msr     tcr_el1, x0
        ldr     x0, =0x40010000
        msr     ttbr0_el1, x0
        isb
        mov     x0, #1
        msr     sctlr_el1, x0
        isb
        ldr     x0, =0x80005000
loop:   ldr     x4, [x0]
        b       loop
`;
  const TABLE = 0x4001_2000n;
  const START = 0x8000_0000n;
  let own: Session;
  let vcpu: number;
  const step = (count: number) => {
    for (; count > 0; count--) {
      own.handle({ type: 'stepInstruction' });
      while (own.slice());
    }
  };
  const view = <V extends Query['view']>(query: Extract<Query, { view: V }>): Extract<View, { view: V }> => {
    const found = own.query(query);
    if (found.view !== query.view) throw new Error(JSON.stringify(found));
    return found as Extract<View, { view: V }>;
  };
  const rows = () =>
    view({ view: 'tables', stage: 1, vcpu, from: 0, count: 100, toward: START, merge: true })
      .rows.flatMap(({ entry }) => entry ?? [])
      .filter(({ kind }) => kind === 'page');
  const contiguousField = (page: number) => {
    const value = 0x0010_0000_4002_0703n + BigInt(4096 * page);
    const input = START + BigInt(4096 * page);
    const { fields } = view({ view: 'descriptor', stage: 1, vcpu, level: 3, value, input });
    return { value, meaning: fields.find(({ name }) => name === 'Contiguous')!.meaning };
  };

  beforeAll(async () => {
    own = await Session.create(() => undefined);
    own.handle({ type: 'load', sandbox: { ...SANDBOX, guest }, breakpoints: [] });
    step(120);
    vcpu = own.status.vcpu!.vcpu;
  });

  it('is a row that says so, and a field that says which entry it is of them', () => {
    expect(rows().map(({ count, contiguous }) => ({ count, contiguous }))).toEqual([
      { count: 16, contiguous: { runs: 1, count: 16, size: 65536n, wrong: null } },
    ]);
    expect(contiguousField(5).meaning).toBe(
      'entry 5 of 16 that map 0x80000000 to 0x8000ffff as one: a TLB may hold them in one entry',
    );
  });

  it('is misprogrammed where one is edited in place, and the guest runs on with that one', () => {
    const x4 = () =>
      view({ view: 'registers', vcpu })
        .groups.flatMap(({ registers }) => registers)
        .find(({ name }) => name === 'x4')?.value;
    expect(x4()).toBe(7n);
    const data = new Uint8Array(8);
    new DataView(data.buffer).setBigUint64(0, contiguousField(5).value + 0x2000n, true);
    own.handle({ type: 'poke', space: 'ipa', address: TABLE + 40n, data });
    step(2);
    expect(x4()).toBe(0n);
    expect(rows().map(({ contiguous }) => contiguous?.wrong)).toEqual([
      'entry 5 leads to 0x40027000',
      '0x40027000 has another place in its run',
      'entry 5 leads to 0x40027000',
    ]);
    expect(contiguousField(9).meaning).toMatch(
      /^misprogrammed: entry 5 leads to 0x40027000\. It is CONSTRAINED UNPREDICTABLE/,
    );
  });
});

describe('a guest’s table that is its own next one', () => {
  /** Entry 511 of the level 1 table leads back to it, and entry 1 of it maps 1 GiB by itself. */
  const guest = `
        ldr     x0, =0x40010000
        ldr     x1, =0x40000701
        str     x1, [x0, #8]
        ldr     x1, =0x40010003
        str     x1, [x0, #4088]
        mov     x1, #0xff
        msr     mair_el1, x1
        ldr     x1, =0x200803519
        msr     tcr_el1, x1
        msr     ttbr0_el1, x0
        isb
        mov     x0, #1
        msr     sctlr_el1, x0
        isb
loop:   b       loop
`;

  it('opens level by level to the last one, and no further', async () => {
    const own = await Session.create(() => undefined);
    own.handle({ type: 'load', sandbox: { ...SANDBOX, guest }, breakpoints: [] });
    for (let steps = 0; steps < 20; steps++) {
      own.handle({ type: 'stepInstruction' });
      while (own.slice());
    }
    const { vcpu } = own.status.vcpu!;
    const view = own.query({ view: 'tables', stage: 1, vcpu, from: 0, count: 200, openAll: true });
    if (view.view !== 'tables') throw new Error(view.view);
    expect(view.rows.map(({ level }) => level).reduce((a, b) => Math.max(a, b))).toBe(3);
    expect(view.rows.filter(({ entry }) => entry?.index === 511).map(({ level, opens }) => [level, opens])).toEqual([
      [1, 'table'],
      [2, 'table'],
      [3, null],
    ]);
    expect(view.total).toBe(view.rows.length);
  });
});
