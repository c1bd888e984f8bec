import { beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, View } from '../messages.ts';
import { Session } from '../session.ts';

/** Level 3 pages of the guest from 2 MiB on: number, bits beside the type, what they are for. */
const PAGE = 0x703n;
const RO = 1n << 7n;
const EL0 = 1n << 6n;
const PXN = 1n << 53n;
const DBM = 1n << 51n;
const PAGES = [PAGE, PAGE | RO, PAGE | RO | DBM, PAGE | EL0, PAGE | PXN, PAGE & ~0x400n, 1n];

const START = 0x8020_0000n;
const RAM = 0x4000_0000n;
const TABLE = 0x4001_2000n;

/** A guest that runs with 1 GiB blocks to itself, the tables of `PAGES` at level 1's entry 2, and APTable 2 in its level 2. */
const guest = `
        ldr     x0, =0x40010000
        ldr     x1, =0x40000701
        str     x1, [x0, #8]
        ldr     x1, =0x40011003
        str     x1, [x0, #16]
        ldr     x2, =0x40011000
        ldr     x1, =0x40012003
        str     x1, [x2, #8]
        ldr     x1, =0x4000000040013003
        str     x1, [x2, #16]
        ldr     x2, =0x40012000
        ${PAGES.map((bits, page) => `ldr x1, =0x${(bits | (RAM + 0x2_0000n + BigInt(page) * 4096n)).toString(16)}\n str x1, [x2, #${page * 8}]`).join('\n')}
        ldr     x2, =0x40013000
        ldr     x1, =0x40020703
        str     x1, [x2]
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
loop:   b       loop
`;
const SANDBOX: Sandbox = {
  host: { cpu: 'cortex-a57', pageSize: 4096, mode: 'nvhe', ram: [{ base: 0x4000_0000n, size: 0x0400_0000n }] },
  script: `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(64 * 4096);
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
await ioctl(vcpu, KVM_RUN);
`,
  guest,
};

type Walk = Extract<View, { view: 'walk' }>;
let session: Session;
const walk = (va: bigint, access: 'read' | 'write' | 'execute'): Walk => {
  const view = session.query({ view: 'walk', vcpu: session.status.vcpu!.vcpu, va, access });
  if (view.view !== 'walk') throw new Error(JSON.stringify(view));
  return view;
};
const fault = (va: bigint, access: 'read' | 'write' | 'execute') => {
  const view = walk(va, access);
  if (view.result.ok) throw new Error(view.result.meaning);
  return { ...view.result, refused: view.result.refusing.map((read) => view.steps[read - 1]!) };
};
const page = (number: number) => START + BigInt(number) * 4096n;

beforeAll(async () => {
  session = await Session.create(() => undefined);
  session.handle({ type: 'load', sandbox: SANDBOX, breakpoints: [] });
  for (let step = 0; step < 90; step++) {
    session.handle({ type: 'stepInstruction' });
    while (session.slice());
  }
});

describe('a walk that ends in a fault of stage 1', () => {
  it('names the fields that forbid the access', () => {
    expect(walk(TABLE, 'write').result.ok).toBe(true);
    expect(fault(page(1), 'write')).toMatchObject({
      fault: 'Stage 1 Permission fault, level 3',
      message: 'AP 2 of the level 3 page: EL1 read-only, EL0 none',
    });
    expect(fault(page(2), 'write').message).toMatch(/^AP 2 .*; DBM 1 would/);
    expect(fault(page(3), 'execute').message).toBe(
      'AP 1 of the level 3 page: EL1 and EL0 read/write; EL1 never executes what EL0 may write',
    );
    expect(fault(page(4), 'execute').message).toMatch(/^PXN 1 of the level 3 page/);
    expect(fault(page(5), 'read').message).toMatch(/^AF 0 of the level 3 page: .*FEAT_HAFDBS/);
    expect(fault(page(6), 'read').message).toMatch(/^bits 1:0 of the level 3 descriptor are 1/);
    expect(fault(page(7), 'read').message).toBe('the level 3 descriptor is invalid');
    expect(fault(1n << 39n, 'read').message).toBe('the address is not in the 39 bits of TTBR0_EL1');
  });

  it('says which reads they are, those of tables above included', () => {
    expect(fault(page(1), 'write').refused).toMatchObject([{ stage: 1, level: 3 }]);
    const above = fault(START + 0x20_0000n, 'write');
    expect(above.message).toBe('APTable 2 of the level 2 table: no writes');
    expect(above.refused).toMatchObject([{ stage: 1, level: 2 }]);
  });
});

describe('a walk that ends in a fault of stage 2', () => {
  it('says what the descriptor has, and what KVM makes of it', () => {
    // A page that nobody touched yet.
    const untouched = fault(page(3), 'write');
    expect(untouched.message).toMatch(
      /^the level 3 descriptor is invalid\. IPA 0x40023000 is in slot 0, a page of the process that is not touched yet.*: KVM maps it when the guest gets here$/,
    );
    expect(untouched.refused).toMatchObject([{ stage: 2, level: 3 }]);
  });

  it('is EFAULT where KVM would never have made the descriptor', () => {
    const { steps } = walk(TABLE, 'read');
    const leaf = steps.findLast(({ stage }) => stage === 2)!;
    const write = (value: bigint) => {
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(0, value, true);
      session.handle({ type: 'poke', space: 'pa', address: leaf.descriptorPa, data });
    };
    write(leaf.value & ~(1n << 6n));
    const unreadable = fault(TABLE, 'read');
    expect(unreadable.message).toMatch(/^S2AP 2 of the level 3 page: write-only\. IPA 0x40012000 .* EFAULT/);
    // As a table of stage 1.
    expect(fault(page(0), 'read')).toMatchObject({ stage: 2, fault: expect.stringContaining('stage 1 descriptor') });
    write(leaf.value | (1n << 47n));
    expect(fault(TABLE, 'read').message).toMatch(
      /^the address 0x8000\w+ in the level 3 page is above 44 bits .*EFAULT/,
    );
    write(leaf.value);
  });
});
