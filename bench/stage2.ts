/** Mapping 1 GiB by 4K pages: the page-table code alone, then a guest that touches every page while its writes are logged. */
import { parseArgs } from 'node:util';
import './v8-flags.ts';
import { ipa, pa } from '../src/abi/address.ts';
import { HOST_PRESETS, type HostConfig } from '../src/host/config.ts';
import { boot } from '../src/host/host.ts';
import { TestVmm } from '../src/host/testing.ts';
import { assemble } from '../src/isa/a64/assembler.ts';
import { Stage2 } from '../src/kvm/stage2/tables.ts';
import { figure, table } from './table.ts';

const GIB = 2 ** 30;
const PAGE = 4096;
const PAGES = GIB / PAGE;
const RAM = 0x8000_0000;
const HVA = 0x10_0000_0000n;
const LOG_DIRTY_PAGES = 1;

const config = (size: number): HostConfig => ({
  ...HOST_PRESETS.find(({ name }) => name === 'max-4k')!.config,
  ram: [{ base: 0x4000_0000n, size: BigInt(size) }],
});

/** CPU seconds of a function, compilers' threads included. */
function seconds(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function tableCode(): number[] {
  const { kvm } = boot(config(2 ** 26));
  const stage2 = Stage2.create(kvm, 40)!;
  const permissions = { write: true, execute: true };
  const mapped = seconds(() => {
    for (let page = 0; page < PAGES; page++) {
      stage2.map(ipa(RAM + page * PAGE), PAGE, pa(GIB + page * PAGE), permissions);
    }
  });
  const protectedAgain = seconds(() => stage2.writeProtect(RAM, RAM + GIB));
  const unmapped = seconds(() => stage2.unmap(RAM, RAM + GIB));
  return [mapped, protectedAgain, unmapped];
}

/** Stores to every page of 1 GiB, the code's among them, then to a device: KVM_RUN returns. And again. */
const GUEST = `
        movz    x3, #0x900, lsl #16
        movz    x2, #0xc000, lsl #16
start:  movz    x1, #0x8000, lsl #16
again:  str     x1, [x1, #2048]
        add     x1, x1, #4096
        cmp     x1, x2
        b.ne    again
        str     x1, [x3]
        b       start
`;

function faults(): number[] {
  const vmm = new TestVmm(config(GIB + 2 ** 27));
  const vm = vmm.createVm();
  const ram = vmm.map(GIB, { address: HVA });
  vmm.process.memory.write(ram, assemble(GUEST, { origin: BigInt(RAM) }).bytes);
  vmm.slot(0, RAM, GIB, ram, LOG_DIRTY_PAGES);
  const { fd } = vmm.vcpu();
  vmm.setCore(fd, 'pc', BigInt(RAM));
  const run = () => seconds(() => vmm.ioctl(fd, 'KVM_RUN'));
  const first = run();
  if (vm.stage2.mappedBytes(RAM, RAM + GIB) !== GIB) throw new Error('the guest did not touch all of its memory');
  // Its process' pages are there now: mapped again after the slot was deleted.
  vmm.slot(0, RAM, 0, ram);
  vmm.slot(0, RAM, GIB, ram, LOG_DIRTY_PAGES);
  const again = run();
  // All pages read-only again: permission faults.
  vmm.slot(0, RAM, GIB, ram, 0);
  vmm.slot(0, RAM, GIB, ram, LOG_DIRTY_PAGES);
  const permission = run();
  return [first, again, permission];
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, part: { type: 'string' } } });
const PARTS = { tables: tableCode, faults } as const;
const ROWS: Readonly<Record<keyof typeof PARTS, readonly string[]>> = {
  tables: ['Stage2.map, page by page', 'Stage2.writeProtect of it all', 'Stage2.unmap of it all'],
  faults: [
    'guest faults, its memory never touched',
    'guest faults, memory there',
    'guest permission faults, write-protected',
  ],
};
const found: string[][] = [];
for (const name of ['tables', 'faults'] as const) {
  if (values.part !== undefined && values.part !== name) continue;
  const rounds = Array.from({ length: Number(values.rounds) }, () => PARTS[name]());
  ROWS[name].forEach((title, row) => {
    const times = rounds.map((round) => round[row]!);
    const best = Math.min(...times);
    found.push([title, ...times.map((time) => figure(time, 3)), figure((best / PAGES) * 1e6, 2)]);
  });
}
const rounds = Array.from({ length: Number(values.rounds) }, (_, n) => `round ${n + 1}, s`);
console.log(table(['1 GiB by 4K pages', ...rounds, 'best, µs a page'], found));
