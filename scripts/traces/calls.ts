import { CAPABILITIES } from '../../src/abi/capabilities.ts';
import { CORE_REGS, coreRegId, NAMED_REGS, sysregId } from '../../src/abi/onereg.ts';
import { IOCTLS, ioctlNumber } from '../../src/abi/ioctls.ts';
import { core, RAM, requestOf, type TraceWriter, type Word } from './trace.ts';

/** Ioctls in an order that no VMM has, on several VMs and vCPUs: what is checked first, and what state is in the way. */

const PAGE_SIZES = [0x1000, 0x4000, 0x1_0000];
const TOP = 1n << 64n;

/** Ends of a vCPU's mapping, beyond which nothing is, by page size: structures that begin before are there in part. */
const MAP_BYTES = 0x1_0000;
const MAP_ENDS = [0x2000, 0x8000];

/** Register ids, valid or nearly. */
export function registerId({ random: r }: TraceWriter): bigint {
  const named = Object.values(NAMED_REGS);
  const sysreg = sysregId({
    op0: r.pick([2, 3, 3, 3]),
    op1: r.pick([0, 0, 0, 3, 4]),
    crn: r.pick([0, 0, 0, 1, 2, 4, 5, 9, 10, 12, 13, 14]),
    crm: r.below(16),
    op2: r.below(8),
  });
  const from = r.pick([
    () => coreRegId(r.pick(CORE_REGS)),
    () => core(r.below(0x40)),
    () => r.pick(named),
    () => r.pick(named) + BigInt(r.below(4)),
    () => sysreg,
    () => 0x6020_0000_0011_0000n | BigInt(r.below(20)),
    () => r.pick([0x6060_0000_0015_ffffn, 0x6080_0000_0015_0000n, 0x6050_0000_0015_0400n, 0x6040_0000_0015_0600n]),
  ])();
  if (r.chance(0.8)) return from;
  return r.pick([
    from ^ (1n << r.bits(6)),
    from & ~(0xfn << 52n),
    from | (BigInt(r.below(16)) << 52n),
    from ^ (BigInt(r.below(256)) << 16n),
  ]);
}

function registerValue({ random: r }: TraceWriter): bigint {
  return r.pick([
    0n,
    1n,
    2n,
    3n,
    r.bits(8),
    r.bits(32),
    r.bits(64),
    TOP - 1n,
    0x3c5n,
    0x3c0n,
    0x3c4n,
    0x1_0000n,
    0x1_0001n,
    0x1_0002n,
    0x1_0003n,
    1n << r.bits(6),
    0x11n,
    8n,
    0xan,
  ]);
}

/** A pointer for a structure of `a` at an offset: mostly there. */
function pointer({ random: r }: TraceWriter, at: string, bad: number): Word {
  if (!r.chance(bad)) return `&${at}`;
  const partly = `&map+0x${(r.pick(MAP_ENDS) - r.pick([1, 4, 8, 12, 16, 24, 32, 0])).toString(16)}`;
  return r.pick<Word>([
    0,
    1,
    0x1000,
    TOP - 0x1000n,
    TOP - 8n,
    0xffff_0000_0000_0000n,
    1n << 52n,
    1n << 55n,
    partly,
    partly,
    partly,
  ]);
}

interface State {
  readonly vms: string[];
  readonly vcpus: string[];
}

type Call = (t: TraceWriter, s: State) => void;
const CAPS = [
  'KVM_CAP_ARM_NISV_TO_USER',
  'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2',
  'KVM_CAP_ARM_SYSTEM_SUSPEND',
  'KVM_CAP_ARM_EAGER_SPLIT_CHUNK_SIZE',
  'KVM_CAP_DIRTY_LOG_RING',
  'KVM_CAP_DIRTY_LOG_RING_ACQ_REL',
  'KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP',
  'KVM_CAP_HALT_POLL',
  'KVM_CAP_ARM_MTE',
  'KVM_CAP_MAX_VCPU_ID',
] as const;
const BAD = 0.06;
const vmOf = (t: TraceWriter, { vms, vcpus }: State): string =>
  t.random.pick(t.random.chance(0.02) ? ['kvm', ...vcpus] : vms);
const vcpuOf = (t: TraceWriter, { vms, vcpus }: State): string =>
  vcpus.length === 0 || t.random.chance(0.02) ? t.random.pick(['kvm', ...vms]) : t.random.pick(vcpus);

/** Weight and what it does. */
const CALLS: readonly (readonly [number, Call])[] = [
  [
    2,
    (t, s) => {
      if (s.vms.length >= 3) return;
      const name = `m${s.vms.length}`;
      t.vm(name, t.random.pick([0, 0, 32, 36, 40, 44, 48]));
      s.vms.push(name);
    },
  ],
  [
    6,
    (t, s) => {
      const name = `v${s.vcpus.length}`;
      t.vcpu(vmOf(t, s), t.random.pick([0, 1, 2, 3, 4, 15, 16, 255, 256, 511, 512, 0x1_0000_0000n, -1]), name);
      s.vcpus.push(name);
    },
  ],
  [
    10,
    (t, s) => {
      const r = t.random;
      const words = [
        r.pick([0, 4, 4, 4, 1, 5, 8, 0xc, 2, 3, 6, 0x10, 0x20, 0x40, 0x60, 0x64, 0x80, 0x100, r.word()]),
        r.pick([0, 0, 0, 0, 0, 0, 1]),
      ];
      t.struct(
        'a+0x200',
        [32, r.pick([5, 5, 5, 5, 5, 5, 5, 0, 1, 4, 6])],
        ...words.map((word) => [32, word] as const),
        [32, r.pick([0, 0, 0, 0, 0, 2])],
      );
      t.ioctl(vcpuOf(t, s), 'KVM_ARM_VCPU_INIT', pointer(t, 'a+0x200', BAD));
    },
  ],
  [
    2,
    (t, s) =>
      t
        .struct('a+0x500', [32, t.random.pick([0, 1, 2, 3, 4, 4, 5, 7, 0xffff_ffff])])
        .ioctl(vcpuOf(t, s), 'KVM_ARM_VCPU_FINALIZE', pointer(t, 'a+0x500', BAD)),
  ],
  [
    16,
    (t, s) => {
      t.struct('a+0x300', [64, registerId(t)], [64, pointer(t, 'a+0x340', BAD)], [64, 0])
        .op('w64', 'a+0x340', registerValue(t))
        .op('w64', 'a+0x348', t.random.bits(64));
      t.ioctl(vcpuOf(t, s), 'KVM_SET_ONE_REG', pointer(t, 'a+0x300', BAD / 2));
    },
  ],
  [
    16,
    (t, s) => {
      t.struct('a+0x300', [64, registerId(t)], [64, pointer(t, 'a+0x340', BAD)]).op('fill', 'a+0x340', 16, 0xee);
      t.ioctl(vcpuOf(t, s), 'KVM_GET_ONE_REG', pointer(t, 'a+0x300', BAD / 2)).op('dump', 'a+0x340', 16);
    },
  ],
  [
    2,
    (t, s) => {
      t.op('w64', 'a+0x8000', t.random.pick([0, 1, 200, 0x1_0000_0000n, 0x1_0000_0400n, 400, 1000]));
      t.ioctl(vcpuOf(t, s), 'KVM_GET_REG_LIST', pointer(t, 'a+0x8000', BAD)).op('dump', 'a+0x8000', 64);
    },
  ],
  [
    4,
    (t, s) =>
      t
        .op('w32', 'a+0x500', t.random.pick([0, 0, 3, 3, 10, 1, 2, 4, 5, 6, 7, 8, 9, 11]))
        .ioctl(vcpuOf(t, s), 'KVM_SET_MP_STATE', pointer(t, 'a+0x500', BAD)),
  ],
  [
    4,
    (t, s) =>
      t
        .op('w32', 'a+0x500', 77)
        .ioctl(vcpuOf(t, s), 'KVM_GET_MP_STATE', pointer(t, 'a+0x500', BAD))
        .op('r32', 'a+0x500'),
  ],
  [
    4,
    (t, s) =>
      t
        .op('fill', 'a+0x600', 0x40, 0xee)
        .ioctl(vcpuOf(t, s), 'KVM_GET_VCPU_EVENTS', pointer(t, 'a+0x600', BAD))
        .op('dump', 'a+0x600', 64),
  ],
  [
    4,
    (t, s) => {
      const r = t.random;
      const bit = (share: number): number => (r.chance(share) ? r.pick([1, 1, 2, 0xff]) : 0);
      t.op('fill', 'a+0x600', 0x40, 0).struct(
        'a+0x600',
        [8, bit(0.5)],
        [8, bit(0.5)],
        [8, bit(0.3)],
        [8, bit(0.04)],
        [32, bit(0.04)],
        [64, r.pick([0, 1, 0x1ff_ffff, 0x200_0000, r.bits(25), r.bits(64)])],
      );
      if (r.chance(0.05)) t.op('w32', `a+0x${(0x610 + 4 * r.below(12)).toString(16)}`, 1);
      t.ioctl(vcpuOf(t, s), 'KVM_SET_VCPU_EVENTS', pointer(t, 'a+0x600', BAD));
    },
  ],
  [
    3,
    (t, s) => {
      const r = t.random;
      t.struct(
        'a+0x700',
        [32, r.pick([0, 1, 3, 0x1_0001, 0x2_0001, 0x3_0003, 2, 0x1_0000, 4, 5, 0x4_0001, 0x8000_0001, 0xffff_ffff])],
        [32, r.pick([0, 0, 1])],
      );
      t.ioctl(vcpuOf(t, s), 'KVM_SET_GUEST_DEBUG', pointer(t, 'a+0x700', BAD));
    },
  ],
  [
    10,
    (t, s) => {
      const r = t.random;
      const size = r.pick(PAGE_SIZES);
      const flags = r.pick([0, 0, 0, 1, 1, 2, 3, 4, 5, 8]);
      const id = r.pick([0, 0, 1, 2, 3, 32766, 32767, 0x1_0000, 0x1_0001, 0x7fff, 0xffff]);
      const base = r.pick([
        RAM,
        RAM,
        RAM + size,
        0,
        size,
        (1n << 40n) - BigInt(size),
        1n << 40n,
        TOP - BigInt(size),
        0x800,
      ]);
      const bytes = r.pick([size, 2 * size, 0, 0, 4 * size, 0x800, TOP - BigInt(size)]);
      const hva = r.pick<Word>([
        '&ram',
        '&ram',
        '&ram',
        '&ram+0x10000',
        '&a',
        '&ram+0x800',
        0,
        TOP - 0x1_0000n,
        1n << 56n,
        1n << 63n,
        '&map',
        `&ram+0x${size.toString(16)}`,
      ]);
      t.struct('a+0x100', [32, id], [32, flags], [64, base], [64, bytes], [64, hva]);
      if (r.chance(0.3)) {
        t.op('fill', 'a+0x120', 0x80, 0).struct(
          'a+0x120',
          [64, r.pick([0, 0, 1])],
          [32, r.pick([0, 0, 0xffff_ffff])],
          [32, r.pick([0, 0, 1])],
          [64, r.pick([0, 0, 1])],
        );
        t.ioctl(vmOf(t, s), 'KVM_SET_USER_MEMORY_REGION2', pointer(t, 'a+0x100', BAD));
      } else t.ioctl(vmOf(t, s), 'KVM_SET_USER_MEMORY_REGION', pointer(t, 'a+0x100', BAD));
    },
  ],
  [
    6,
    (t, s) => {
      const r = t.random;
      t.op('fill', 'a+0x900', 0x40, 0xee).struct(
        'a+0x100',
        [32, r.pick([0, 0, 1, 2, 3, 32766, 32767, 0x1_0000, 9])],
        [32, r.pick([0, 1])],
        [64, pointer(t, 'a+0x900', 0.2)],
      );
      t.ioctl(vmOf(t, s), 'KVM_GET_DIRTY_LOG', pointer(t, 'a+0x100', BAD)).op('dump', 'a+0x900', 16);
    },
  ],
  [
    6,
    (t, s) => {
      const r = t.random;
      t.op('w64', 'a+0x900', r.pick([0n, 1n, TOP - 1n])).struct(
        'a+0x100',
        [32, r.pick([0, 0, 1, 2, 3, 32767, 0x1_0000])],
        [32, r.pick([0, 1, 2, 4, 16, 63, 64, 65, 128, 0xffff_ffff])],
        [64, r.pick([0, 0, 0, 1, 63, 64, 128, TOP - 64n, 0xffff_ffc0])],
        [64, pointer(t, 'a+0x900', 0.2)],
      );
      t.ioctl(vmOf(t, s), 'KVM_CLEAR_DIRTY_LOG', pointer(t, 'a+0x100', BAD));
    },
  ],
  [2, (t, s) => t.ioctl(vmOf(t, s), 'KVM_RESET_DIRTY_RINGS', t.random.pick([0, 0, 1]))],
  [
    10,
    (t, s) => {
      const r = t.random;
      const cap = r.chance(0.85) ? CAPABILITIES[r.pick(CAPS)] : r.below(250);
      const args = [
        r.pick([
          0,
          0,
          1,
          2,
          3,
          4,
          0x400,
          0x1000,
          0x2000,
          0x4000,
          0x1_0000,
          0x10_0000,
          0x20_0000,
          0x200_0000,
          0x4000_0000,
          0x1_0000_0000n,
          0x1_0000_1000n,
          r.bits(64),
        ]),
        r.pick([0, 0, 1]),
      ];
      t.op('fill', 'a+0x400', 0x68, 0).struct(
        'a+0x400',
        [32, cap],
        [32, r.pick([0, 0, 0, 0, 1])],
        [64, args[0]!],
        [64, args[1]!],
      );
      t.ioctl(r.chance(0.9) ? vmOf(t, s) : vcpuOf(t, s), 'KVM_ENABLE_CAP', pointer(t, 'a+0x400', BAD));
    },
  ],
  [
    4,
    (t, s) =>
      t.ioctl(
        t.random.pick(['kvm', vmOf(t, s)]),
        'KVM_CHECK_EXTENSION',
        t.random.chance(0.6)
          ? CAPABILITIES[t.random.pick(CAPS)]
          : t.random.pick([t.random.below(250), 0x1_0000_0007n, -1, 9, 66, 67]),
      ),
  ],
  [
    8,
    (t, s) => {
      const r = t.random;
      const call = r.pick(['SET', 'SET', 'SET', 'GET', 'HAS'] as const);
      t.op(
        'w64',
        'a+0x380',
        r.pick([
          0n,
          8n,
          23n,
          27n,
          16n,
          31n,
          32n,
          BigInt(RAM),
          BigInt(RAM + 0x40),
          BigInt(RAM + 0x20),
          1n << 40n,
          r.bits(16),
        ]),
      ).op('fill', 'a+0x388', 16, 0);
      t.attribute(
        call,
        vcpuOf(t, s),
        r.pick([0, 0, 1, 1, 2, 2, 3, 4]),
        r.pick([0, 0, 1, 2, 3, 4, 0x1_0000_0000n]),
        pointer(t, 'a+0x380', BAD),
        r.pick([0, 0, 0, 1]),
      );
      if (call === 'GET') t.op('dump', 'a+0x380', 8);
    },
  ],
  [
    5,
    (t, s) => {
      const r = t.random;
      t.op('fill', 'a+0x380', 24, 0).struct(
        'a+0x380',
        [
          32,
          r.pick([
            0x8400_0000, 0x8400_0001, 0x8600_0000, 0xc500_0020, 0, 0xffff_ffff, 0x8000_0000, 0xc000_0000, 0xbfff_ffff,
          ]),
        ],
        [32, r.pick([0, 1, 1, 2, 0x1000, 0xffff_ffff])],
        [8, r.pick([0, 1, 2, 3])],
        [8, r.pick([0, 0, 0, 0, 1])],
      );
      t.attribute(
        r.pick(['SET', 'SET', 'SET', 'HAS', 'GET'] as const),
        vmOf(t, s),
        r.pick([0, 0, 0, 0, 1]),
        r.pick([0, 0, 0, 0, 1]),
        pointer(t, 'a+0x380', BAD),
      );
    },
  ],
  [
    2,
    (t, s) =>
      t
        .struct('a+0x500', [64, t.random.pick([0, 1, TOP - 1n, 1n << 40n])], [64, t.random.pick([0, 0, 0, 1])])
        .ioctl(vmOf(t, s), 'KVM_ARM_SET_COUNTER_OFFSET', pointer(t, 'a+0x500', BAD)),
  ],
  [
    2,
    (t, s) =>
      t
        .struct(
          'a+0x500',
          [64, t.random.pick<Word>(['&a+0xa000', 0, 8])],
          [32, t.random.pick([0, 0, 0, 1])],
          ...Array.from({ length: 13 }, () => [32, t.random.chance(0.01) ? 1 : 0] as const),
        )
        .op('fill', 'a+0xa000', 0x600, 0xee)
        .ioctl(vmOf(t, s), 'KVM_ARM_GET_REG_WRITABLE_MASKS', pointer(t, 'a+0x500', BAD))
        .op('dump', 'a+0xa1fc', 8),
  ],
  [
    3,
    (t, s) => {
      const r = t.random;
      t.struct(
        'a+0x500',
        [
          32,
          (BigInt(r.below(16)) << 28n) |
            (BigInt(r.pick([0, 0, 1, 2, 3, 15])) << 24n) |
            (BigInt(r.pick([0, 0, 1, 255])) << 16n) |
            BigInt(r.pick([0, 1, 2, 16, 27, 32])),
        ],
        [32, r.pick([0, 1, 2])],
      );
      t.ioctl(vmOf(t, s), r.pick(['KVM_IRQ_LINE', 'KVM_IRQ_LINE_STATUS']), pointer(t, 'a+0x500', BAD));
    },
  ],
  [
    3,
    (t, s) => {
      const r = t.random;
      t.struct(
        'a+0x500',
        [64, r.pick([0x900_0000n, 0n, TOP - 1n, TOP - 4n, BigInt(RAM)])],
        [32, r.pick([0, 1, 4, 8, 0x1000, 0xffff_ffff])],
        [32, r.pick([0, 0, 0, 1, 2])],
      );
      t.ioctl(
        vmOf(t, s),
        r.pick(['KVM_REGISTER_COALESCED_MMIO', 'KVM_REGISTER_COALESCED_MMIO', 'KVM_UNREGISTER_COALESCED_MMIO']),
        pointer(t, 'a+0x500', BAD),
      );
    },
  ],
  [
    3,
    (t, s) => {
      const r = t.random;
      t.op('fill', 'a+0x500', 0x40, 0).struct(
        'a+0x500',
        [64, r.bits(8)],
        [64, r.pick([0x900_0000n, TOP - 1n, TOP - 8n])],
        [32, r.pick([0, 1, 2, 3, 4, 8, 16])],
        [32, r.pick<Word>(['$kvm', '$m0', 0, 1, 0xffff_ffff, 999])],
        [32, r.pick([0, 1, 2, 3, 4, 5, 6, 8, 16, 32, 0x8000_0000])],
      );
      t.ioctl(vmOf(t, s), 'KVM_IOEVENTFD', pointer(t, 'a+0x500', BAD));
    },
  ],
  [
    2,
    (t, s) => {
      const r = t.random;
      t.op('fill', 'a+0x500', 0x20, 0).struct(
        'a+0x500',
        [32, r.pick<Word>(['$kvm', '$m0', 0xffff_ffff, 999])],
        [32, r.pick([0, 32, 4096])],
        [32, r.pick([0, 1, 2, 3, 4])],
        [32, r.pick<Word>(['$kvm', 999])],
      );
      t.ioctl(vmOf(t, s), 'KVM_IRQFD', pointer(t, 'a+0x500', BAD));
    },
  ],
  [
    2,
    (t, s) => {
      const r = t.random;
      t.struct(
        'a+0x500',
        [32, r.pick([0, 1, 1, 2, 4096, 4097])],
        [32, r.pick([0, 0, 0, 1])],
        [32, r.pick([0, 1, 4095, 4096])],
        [32, r.pick([0, 1, 2, 3, 4])],
        [32, r.pick([0, 0, 1, 2])],
        [32, 0],
        [32, r.pick([0, 1])],
        [32, r.pick([0, 987, 988, 1020])],
      );
      t.ioctl(vmOf(t, s), 'KVM_SET_GSI_ROUTING', pointer(t, 'a+0x500', BAD));
    },
  ],
  [
    1,
    (t, s) =>
      t
        .struct('a+0x500', [32, t.random.pick([0, 4, 8, 16])], [64, t.random.bits(64)])
        .ioctl(vcpuOf(t, s), 'KVM_SET_SIGNAL_MASK', pointer(t, 'a+0x500', 0.3)),
  ],
  [
    1,
    (t, s) =>
      t
        .op('fill', 'a+0x500', 32, 0xee)
        .ioctl(vmOf(t, s), 'KVM_ARM_PREFERRED_TARGET', pointer(t, 'a+0x500', 0.2))
        .op('dump', 'a+0x500', 32),
  ],
  [
    2,
    (t, s) =>
      t
        .struct(
          'a+0x500',
          [32, t.random.pick([1, 2, 3, 4, 9, 10, 99, 0xffff_ffff])],
          [32, 0],
          [32, t.random.pick([0, 1, 2])],
        )
        .ioctl(vmOf(t, s), 'KVM_CREATE_DEVICE', pointer(t, 'a+0x500', BAD)),
  ],
  [1, (t, s) => t.ioctl(t.random.pick([vmOf(t, s), vcpuOf(t, s)]), 'KVM_GET_STATS_FD', 0, 'stats')],
  [5, (t) => t.ioctl('v0', 'KVM_RUN', t.random.pick([0, 0, 0, 0, 0, 0, 0, 1]))],
  [
    4,
    (t, s) => {
      // Any ioctl of any architecture on any descriptor; those that make something are made with care above.
      const made = [
        'KVM_CREATE_VM',
        'KVM_CREATE_VCPU',
        'KVM_CREATE_DEVICE',
        'KVM_GET_STATS_FD',
        'KVM_RUN',
        'KVM_CREATE_IRQCHIP',
      ].map(requestOf);
      const request = ioctlNumber(t.random.pick(IOCTLS), 'arm64') >>> 0;
      if (!made.includes(request))
        t.op('ioctl', t.random.pick(['kvm', ...s.vms, ...s.vcpus]), request, t.random.pick<Word>([0, '&a+0x500']));
    },
  ],
  [
    1,
    (t, s) => {
      const r = t.random;
      const [fd] = s.vcpus;
      if (fd)
        t.op(
          'mmap',
          'other',
          fd,
          r.pick([0x1000, 0x2000, 0x4000, 0x8000, 0x1_0000, 0x1800]),
          r.pick([0, 0x1000, 0x4_0000, 0x10_0000, 0x800, 0x4000]),
        );
    },
  ],
  [
    1,
    (t, s) => {
      if (t.random.chance(0.3)) t.op('close', t.random.pick([...s.vms, ...s.vcpus, 'kvm']));
    },
  ],
];

const ALL_CALLS = CALLS.flatMap(([weight, call]) => Array.from({ length: weight }, () => call));

/** KVM_RUN has kvm_run.immediate_exit set: nothing is in the guest. */
export function calls(t: TraceWriter): void {
  const r = t.random;
  const s: State = { vms: ['m0'], vcpus: ['v0'] };
  t.op('buf', 'ram', 0x4_0000, 0x1_0000).vm('m0', r.pick([0, 0, 36, 48]));
  if (r.chance(0.3)) t.cap('m0', CAPABILITIES.KVM_CAP_DIRTY_LOG_RING_ACQ_REL, [r.pick([0x1000, 0x4000, 0x1_0000])]);
  t.vcpu('m0', 0, 'v0').op('mmap', 'map', 'v0', MAP_BYTES, 0).op('w8', 'map+1', 1);
  if (r.chance(0.7)) t.slot('m0', 0, r.pick([0, 1, 2, 3]), RAM, 0x4_0000, '&ram');
  if (r.chance(0.7)) t.init('v0', r.pick([0, 4, 4, 5, 0xc]));
  const count = 30 + r.below(50);
  for (let n = 0; n < count; n++) {
    const call = r.pick(ALL_CALLS);
    call(t, s);
  }
}
