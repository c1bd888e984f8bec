import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { table } from './command.ts';
import { stage2 } from './stage2.ts';

const dir = mkdtempSync(join(tmpdir(), 'stage2-cli-'));
afterAll(() => rmSync(dir, { recursive: true }));

let out = '';
let err = '';
beforeEach(() => {
  out = err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
});

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};

const TRACE = 'trace t\nopen kvm /dev/kvm\nioctl kvm 0xae00 0\nioctl kvm 0xae01 53 -> vm\nend\n';

describe('arguments', () => {
  it('--help tells of every command', async () => {
    expect(await stage2(['--help'])).toBe(0);
    for (const name of ['trace', 'conformance', 'lab', 'run', 'hosts']) expect(out).toContain(`stage2 ${name}`);
    expect(await stage2(['trace', '--help'])).toBe(0);
  });

  it.each([
    [[], 'stage2 trace'],
    [['frobnicate'], 'there is no command "frobnicate"'],
    [['trace'], 'trace wants FILE'],
    [['trace', 'a', 'b'], '"b" is one word too many'],
    [['trace', 'a', '--frob'], "Unknown option '--frob'"],
    [['trace', 'a', '--host', 'pdp-11'], 'there is no host "pdp-11"; there are max-4k'],
    [['hosts', 'x'], 'one word too many'],
  ])('%j is answered with the usage and status 2', async (words, message) => {
    expect(await stage2(words)).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain('stage2 ');
    expect(out).toBe('');
  });

  it('hosts names the hosts', async () => {
    expect(await stage2(['hosts'])).toBe(0);
    expect(out).toMatch(/^max-4k .*\n/);
  });
});

describe('trace', () => {
  const answers = '@@BEGIN\n@@trace t\n1: ret=fd\n2: ret=12\n3: errno=EINVAL\n@@END\n';

  it.each([
    ['text', TRACE],
    ['gzip', gzipSync(TRACE)],
  ])('plays %s', async (name, content) => {
    expect(await stage2(['trace', file(name, content)])).toBe(0);
    expect(out).toBe(answers);
    expect(err).toBe('');
  });

  it('--explain adds the rule behind a refusal as a comment', async () => {
    await stage2(['trace', file('explained', TRACE), '--explain', '--host', 'max-4k']);
    expect(out).toMatch(/3: errno=EINVAL\n# .*53.*\[vm\.ipa-above-limit, kvm_init_ipa_range\]\n@@END/);
  });

  it('names the line that is wrong', async () => {
    const path = file('wrong', 'trace t\nbuf a\nend\n');
    expect(await stage2(['trace', path])).toBe(0);
    expect(out).toContain('1: badtrace buf');
    expect(err).toContain(`${path}:2: 1 operand; it is written buf NAME SIZE [ALIGN]`);
  });

  it.each([
    ['no trace in it', 'hello', 'this is no .kvmtrace file'],
    ['half a gzip', gzipSync(TRACE).subarray(0, 20), "can't be read"],
  ])('a file with %s is refused', async (_, content, message) => {
    expect(await stage2(['trace', file('bad', content)])).toBe(1);
    expect(err).toContain(message);
  });

  it('a file that is not there is refused', async () => {
    expect(await stage2(['trace', join(dir, 'nothing')])).toBe(1);
    expect(err).toContain('ENOENT');
  });
});

describe('conformance', () => {
  /** An oracle of two traces: one that agrees on max-4k, one whose recorded answer is wrong. */
  function oracle(area: string, answer: string): string {
    const folder = mkdtempSync(join(dir, 'oracle-'));
    const traces = `${TRACE.replace('trace t', `trace ${area}-0`)}trace caps-0\nopen kvm /dev/kvm\nend\n`;
    const answers = `@@BEGIN\n@@trace ${area}-0\n1: ret=fd\n2: ret=12\n${answer}\n@@trace caps-0\n1: ret=fd\n@@END\n`;
    writeFileSync(join(folder, 'open.kvmtrace.gz'), gzipSync(traces));
    writeFileSync(join(folder, 'open.max-4k.out.gz'), gzipSync(answers));
    return folder;
  }

  it('counts the traces that agree, by area and host', async () => {
    expect(await stage2(['conformance', '--oracle', oracle('ipa', '3: errno=EINVAL')])).toBe(0);
    expect(out).toBe('area  max-4k\nipa      1/1\ncaps     1/1\nall      2/2\n');
  });

  it('shows the first difference, and fails where the area has to be complete', async () => {
    expect(await stage2(['conformance', '--verbose', '--oracle', oracle('ipa', '3: ret=fd')])).toBe(1);
    expect(out).toContain('max-4k, ipa: ipa-0\n  stage2  3: errno=EINVAL\n  kernel  3: ret=fd\n');
    expect(await stage2(['conformance', '--oracle', oracle('vgic', '3: ret=fd')])).toBe(0);
    expect(out).toContain('vgic     0/1');
  });

  it('an area, host or oracle that is not there is named', async () => {
    const folder = oracle('ipa', '');
    expect(await stage2(['conformance', '--oracle', folder, '--area', 'iap'])).toBe(2);
    expect(err).toContain('there is no area "iap"; there are ipa, caps');
    expect(await stage2(['conformance', '--oracle', folder, '--host', 'max-16k'])).toBe(2);
    expect(await stage2(['conformance', '--oracle', dir])).toBe(1);
    expect(err).toContain('no recorded answers');
  });
});

it('a table has its numbers to the right', () => {
  expect(
    table([
      ['a', '1'],
      ['bcd', '22'],
    ]),
  ).toEqual(['a     1', 'bcd  22']);
});

describe('run and lab', () => {
  const SCRIPT = `const kvm = open('/dev/kvm');\nconst vm = await ioctl(kvm, KVM_CREATE_VM, 0);\nprint('vm', vm > kvm);\n`;

  it('a script runs to its end, and its ioctls are logged', async () => {
    expect(await stage2(['run', file('a.ts', SCRIPT), '--log'])).toBe(0);
    expect(out).toBe('vm true\n');
    expect(err).toMatch(/^ioctl\(\d+, KVM_CREATE_VM, 0 .*\) = \d+\n$/);
  });

  it('what KVM did to stage 2 is told at the end', async () => {
    const script = file(
      'events.ts',
      `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(PAGE_SIZE, { shared: true });
ram.write(0, guest.bytes);
const slot = { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address };
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, slot);
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
await ioctl(vcpu, KVM_RUN);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { ...slot, memory_size: 0 });
`,
    );
    const guest = file('events.s', 'movz x1, #0x900, lsl #16\n str x1, [x1]\n');
    expect(await stage2(['run', script, '--guest', guest, '--host', 'a57-4k', '--stage2-events'])).toBe(0);
    const lines = err.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^stage 2 of VM fd \d+$/);
    expect(lines.find((line) => line.includes(' map '))).toMatch(
      /0 map +– → R[W-]X +L3 0x40000000-0x40000fff \(translation fault\)/,
    );
    const unmap = lines.findIndex((line) => line.includes(' unmap '));
    expect(lines[unmap]).toContain('(slot deleted)');
    expect(lines[unmap + 1]).toMatch(
      /HVC __kvm_tlb_flush_vmid_ipa; DSB ISH; TLBI IPAS2E1IS, 0x40000; .*TLBI VMALLE1IS/,
    );
  });

  it('a script or guest that is wrong is named by file, line and column, once', async () => {
    const script = file('b.ts', 'const = 1;');
    expect(await stage2(['run', script])).toBe(1);
    expect(err).toMatch(new RegExp(`^${script}:1:7: error: .*\\n$`));
    err = '';
    const guest = file('b.s', 'nop\nfrob x1\n');
    expect(await stage2(['run', file('a.ts', SCRIPT), '--guest', guest])).toBe(1);
    expect(err).toMatch(new RegExp(`^${guest}:2:1: error: .*\\n$`));
  });

  it('a lab is run and what must be seen is checked', async () => {
    expect(await stage2(['lab', '--list'])).toBe(0);
    const [name = ''] = out.split(' ');
    expect(await stage2(['lab', name])).toBe(0);
    expect(out).toMatch(/^ok {4}/m);
    expect(out).not.toContain('FAIL');
    expect(await stage2(['lab', 'nonsense'])).toBe(2);
    expect(err).toContain(`there is no lab "nonsense"; there are ${name}`);
  });
});
