/**
 * Records what C compilers say of the kernel's headers, for src/abi/vectors: sizes, offsets, ioctl numbers, constants.
 *   node scripts/abi-vectors.js LINUX-SOURCE
 * Compiles only (gcc, aarch64-linux-gnu-gcc, powerpc-linux-gnu-gcc), and reads the facts out of the assembly.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runnerImport } from 'vite';

const linux = process.argv[2];
if (!linux || !existsSync(join(linux, 'include/uapi/linux/kvm.h'))) {
  console.error('usage: node scripts/abi-vectors.js LINUX-SOURCE');
  process.exit(2);
}

const load = async (file) => (await runnerImport(`/src/abi/${file}`)).module;
const structs = await load('structs.ts');
const { ABIS, structLayout } = await load('layout.ts');
const { IOCTLS, ioctlExists } = await load('ioctls.ts');
const { CONSTANTS } = await load('constants.ts');
const { CAPABILITIES } = await load('capabilities.ts');
const { EXITS } = await load('exits.ts');
const { ERRNO } = await load('errno.ts');
const { NAMED_REGS, CORE_REGS } = await load('onereg.ts');

const COMPILERS = {
  arm64: ['aarch64-linux-gnu-gcc'],
  ppc32: ['powerpc-linux-gnu-gcc'],
  ppc64: ['powerpc-linux-gnu-gcc', '-m64'],
  i386: ['gcc', '-m32'],
  'x86-64': ['gcc'],
};

/** Constants that are enumerators, which the preprocessor can't see. */
const ENUMERATORS = { arm64: /^KVM_SMCCC_FILTER_/ };

/** Structures of one architecture alone; all others are declared everywhere. */
const ONLY = {
  arm64: /^(user_|kvm_vcpu_init|kvm_pmu_event|kvm_arm_copy|kvm_arm_counter|kvm_smccc|reg_mask)/,
  powerpc: /^(kvm_ppc_|kvm_book3e_)/,
  x86: /^(kvm_segment|kvm_dtable|kvm_lapic|kvm_msr|kvm_cpuid|kvm_debugregs|kvm_xcr)/,
};

function structsOf(abi) {
  const { arch } = ABIS[abi];
  return Object.values(structs).filter((type) => {
    if (type.kind !== 'arch' && /_(arm64|powerpc|x86)$/.test(exportName(type))) return false;
    if (type.name === 'kvm_vcpu_events' && arch === 'powerpc') return false;
    return Object.entries(ONLY).every(([only, names]) => only === arch || !names.test(type.name));
  });
}

const exportName = (type) => Object.keys(structs).find((name) => structs[name] === type);

/** Every member by its name in C; of an array of structures, those of its first element. */
function members(layout, prefix = '') {
  return layout.fields.flatMap(({ field, layout: inner }) => {
    const path = prefix + field.name;
    const of = inner.kind === 'array' ? inner.of : inner;
    const own = field.name === '' ? [] : [path];
    if (!('fields' in of) || (inner.kind === 'array' && inner.count === 0)) return own;
    const below = field.name === '' ? prefix : inner.kind === 'array' ? `${path}[0].` : `${path}.`;
    return [...own, ...members(of, below)];
  });
}

function headers(arch) {
  const dir = mkdtempSync(join(tmpdir(), 'abi-'));
  mkdirSync(join(dir, 'asm'));
  mkdirSync(join(dir, 'linux'));
  const own = join(linux, `arch/${arch}/include/uapi/asm`);
  for (const name of readdirSync(join(linux, 'include/uapi/asm-generic'))) {
    if (name.endsWith('.h') && !existsSync(join(own, name))) {
      writeFileSync(join(dir, 'asm', name), `#include <asm-generic/${name}>\n`);
    }
  }
  for (const name of ['compiler.h', 'compiler_types.h']) writeFileSync(join(dir, 'linux', name), '');
  return { dir, flags: ['-I', dir, '-I', join(linux, `arch/${arch}/include/uapi`), '-I', join(linux, 'include/uapi')] };
}

function facts(abi) {
  const { arch } = ABIS[abi];
  const lines = [];
  const say = (key, expression) => lines.push(`  asm volatile("@@${key} %0" :: "i"(${expression}));`);
  const ifDefined = (name, expression = `(unsigned)(${name})`) =>
    lines.push(`#ifdef ${name}`, `  asm volatile("@@${name} %0" :: "i"(${expression}));`, '#endif');
  for (const type of structsOf(abi)) {
    const c = `struct ${type.name}`;
    say(`size ${type.name}`, `sizeof(${c})`);
    say(`align ${type.name}`, `_Alignof(${c})`);
    for (const path of members(structLayout(type, abi))) {
      say(`offset ${type.name} ${path}`, `__builtin_offsetof(${c}, ${path})`);
    }
  }
  for (const ioctl of IOCTLS) if (ioctlExists(ioctl, abi)) say(`ioctl ${ioctl.name}`, `(unsigned)(${ioctl.name})`);
  for (const name of Object.keys(CONSTANTS)) {
    if (ENUMERATORS[arch]?.test(name)) say(name, `(unsigned)(${name})`);
    else ifDefined(name);
  }
  for (const name of Object.keys(CAPABILITIES)) ifDefined(name);
  for (const { name } of EXITS) ifDefined(name);
  for (const name of Object.keys(ERRNO)) ifDefined(name);
  if (arch === 'arm64') {
    for (const name of Object.keys(NAMED_REGS)) say(`reg ${name}`, name);
    for (const { name } of CORE_REGS) {
      const spsr = { spsr_el1: 0, spsr_abt: 1, spsr_und: 2, spsr_irq: 3, spsr_fiq: 4 }[name];
      const member =
        spsr !== undefined
          ? `spsr[${spsr}]`
          : /^x\d/.test(name)
            ? `regs.regs[${name.slice(1)}]`
            : /^v\d/.test(name)
              ? `fp_regs.vregs[${name.slice(1)}]`
              : /^fp/.test(name)
                ? `fp_regs.${name}`
                : /_el1$/.test(name)
                  ? name
                  : `regs.${name}`;
      say(`core ${name}`, `__builtin_offsetof(struct kvm_regs, ${member})`);
    }
  }
  const source = `#define __user\n#include <linux/types.h>\n#include <linux/kvm.h>\n#include <linux/errno.h>\nvoid facts(void) {\n${lines.join('\n')}\n}\n`;
  const { dir, flags } = headers(arch);
  const file = join(dir, 'facts.c');
  writeFileSync(file, source);
  const [compiler, ...options] = COMPILERS[abi];
  const assembly = execFileSync(compiler, [...options, '-nostdinc', '-w', ...flags, '-S', file, '-o', '-'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  rmSync(dir, { recursive: true });
  return assembly;
}

const out = new URL('../src/abi/vectors/', import.meta.url);
mkdirSync(out, { recursive: true });
for (const abi of Object.keys(COMPILERS)) {
  const record = { structs: {}, ioctls: {}, constants: {}, regs: {}, core: {} };
  for (const [, key, value] of facts(abi).matchAll(/^\s*@@(.*) [$#]?(-?\d+)$/gm)) {
    const [what, name, member] = key.split(' ');
    const number = Number(value);
    if (what === 'size') record.structs[name] = { size: number, align: 0, members: {} };
    else if (what === 'align') record.structs[name].align = number;
    else if (what === 'offset') record.structs[name].members[member] = number;
    else if (what === 'ioctl') record.ioctls[name] = number >>> 0;
    else if (what === 'reg') record.regs[name] = `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
    else if (what === 'core') record.core[name] = number;
    else record.constants[what] = number >>> 0;
  }
  const text = Object.entries(record)
    .filter(([, part]) => Object.keys(part).length > 0)
    .map(([part, of]) => {
      const rows = Object.entries(of).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
      return ` ${JSON.stringify(part)}: {\n${rows.join(',\n')}\n }`;
    });
  writeFileSync(new URL(`${abi}.json`, out), `{\n${text.join(',\n')}\n}\n`);
  console.log(abi, Object.keys(record.structs).length, 'structures', Object.keys(record.ioctls).length, 'ioctls');
}
