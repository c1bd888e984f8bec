import { beforeAll, describe, expect, it } from 'vitest';
import type { Event, Query, Sandbox, View } from '../messages.ts';
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
  ask({ view: 'tables', stage: 2, vm: VM, expanded: [] });
  session.handle({ type: 'keepTables', keep: true });
  run('stepIoctl');
});

/** The last level's tables. */
function leaves(merge: boolean, runs: readonly bigint[] = []) {
  const open = (expanded: readonly bigint[]) =>
    ask({ view: 'tables', stage: 2, vm: VM, expanded, merge, runs }).roots[0]!;
  let expanded: bigint[] = [open([]).address];
  for (let level = 2; level <= 3; level++) {
    const below = open(expanded).entries!.flatMap((entry) => entry.child ?? []);
    const next = below.flatMap((node) => [node, ...(node.entries ?? []).flatMap((entry) => entry.child ?? [])]);
    expanded = [...new Set([...expanded, ...next.map(({ address }) => address)])];
  }
  return open(expanded)
    .entries!.flatMap((entry) => entry.child ?? [])
    .flatMap((node) => node.entries!.flatMap((entry) => entry.child ?? []));
}

describe('the tree of tables', () => {
  it('has every mapped page, one by one', () => {
    const pages = leaves(false).flatMap(({ entries }) => entries!.filter(({ kind }) => kind === 'page'));
    expect(pages).toHaveLength(PAGES);
    expect(pages.every(({ count, members }) => count === 1 && members === null)).toBe(true);
    expect(pages[1]!.attributes).toContain('read/write');
  });

  it('merges neighbours that map as one, losing none; a run opens to its single entries', () => {
    const merged = leaves(true).flatMap(({ entries }) => entries!.filter(({ kind }) => kind === 'page'));
    expect(merged.length).toBeLessThan(PAGES);
    expect(merged.reduce((sum, { count }) => sum + count, 0)).toBe(PAGES);
    const long = merged.find(({ count }) => count > 1)!;
    const opened = leaves(true, [long.address]).flatMap(({ entries }) =>
      entries!.flatMap(({ members }) => members ?? []),
    );
    expect(opened).toHaveLength(long.count);
    opened.forEach((member, index) => {
      expect(member.output).toBe(long.output! + BigInt(index) * 4096n);
      expect(member.inputBase).toBe(long.inputBase + BigInt(index) * 4096n);
      expect(member.attributes).toBe(long.attributes);
    });
  });

  it('counts what changed against a kept moment, and shows that alone', () => {
    const view = ask({ view: 'tables', stage: 2, vm: VM, expanded: [], onlyChanged: true, since: 'kept' });
    // The first page's table was there; beside the pages the tables on the way are entries too.
    expect(view.kept).not.toBeNull();
    expect(view.roots[0]!.changed).toBe(PAGES + Math.ceil(PAGES / 512) + 1);
    const [first] = view.roots[0]!.entries!;
    expect(first).toMatchObject({ kind: 'table', changed: true, before: 0n });
    expect(view.roots[0]!.entries).toHaveLength(1);
  });
});

describe('one table', () => {
  it('has all entries with their kinds, and the way to it', () => {
    const [table] = leaves(false);
    const view = ask({ view: 'table', stage: 2, vm: VM, address: table!.address });
    expect(view.level).toBe(3);
    expect(view.path.map(({ level }) => level)).toEqual([1, 2]);
    expect([...view.kinds].filter((kind) => kind === 3)).toHaveLength(512);
    expect(view.entrySize).toBe(4096n);
    expect(view.outputs[5]).toBe(table!.entries![5]!.output);
    const root = ask({ view: 'table', stage: 2, vm: VM, address: 0n });
    expect(root).toMatchObject({ level: 1, concatenated: 2, path: [] });
    expect(root.values).toHaveLength(1024);
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
    const [table] = leaves(false);
    const { value } = table!.entries![3]!;
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
  const rows = () => {
    const [root] = view({
      view: 'tables',
      stage: 1,
      vcpu,
      expanded: [0x4001_0000n, 0x4001_1000n, TABLE],
      merge: true,
    }).roots;
    const level2 = root!.entries!.find(({ child }) => child !== null)!.child!;
    return level2.entries![0]!.child!.entries!.filter(({ kind }) => kind === 'page');
  };
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
