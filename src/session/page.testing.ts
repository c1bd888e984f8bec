/** For tests: what a page is to a session, a script that runs one vCPU, and a guest that ends. */
import type { Command, Event, IoctlEntry, Query, Sandbox, Status, View } from './messages.ts';
import { Session } from './session.ts';

export const HOST: Sandbox['host'] = {
  cpu: 'max',
  pageSize: 4096,
  mode: 'vhe',
  ram: [{ base: 0x4000_0000n, size: 0x0400_0000n }],
};

/** One VM with 64 KiB at 0x40000000 and one vCPU that runs until something other than a store to the UART comes up. */
export const VMM = `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(0x1_0000, { shared: true });
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
const run = mmap(vcpu, await ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE)).as('kvm_run');
for (;;) {
  await ioctl(vcpu, KVM_RUN);
  if (run.exit_reason !== KVM_EXIT_MMIO) break;
  if (run.mmio.is_write) uart.write(run.mmio.data[0]);
  else run.mmio.data[0] = uart.read() ?? 0xff;
}
print('exit', run.exit_reason);
`;
export const KVM_RUN_LINE = 14;
export const FIRST_IOCTL_LINE = 2;

/** Ends the guest: SYSTEM_OFF of PSCI. */
export const OFF = `        ldr     w0, =0x84000008
        hvc     #0
`;

/** Sends commands, keeps the events, and asks of the last. */
export class Page {
  readonly events: Event[] = [];
  #session: Session | null = null;

  /** `post`: structuredClone, which is how a worker's messages reach the page. */
  static async open(post: (event: Event) => Event): Promise<Page> {
    const page = new Page();
    page.#session = await Session.create((event) => page.events.push(post(event)));
    return page;
  }
  get session(): Session {
    return this.#session!;
  }
  send(command: Command): this {
    this.session.handle(command);
    return this;
  }
  load(guest: string, script = VMM, more: Partial<Extract<Command, { type: 'load' }>> = {}): Status {
    this.send({ type: 'load', sandbox: { host: HOST, script, guest }, breakpoints: [], ...more });
    return this.status;
  }
  /** Until the sandbox stands still; fails after some seconds. */
  settle(): Status {
    const end = performance.now() + 10_000;
    while (this.session.slice()) if (performance.now() > end) throw new Error('the sandbox does not stop');
    return this.status;
  }
  do(command: Command): Status {
    this.send(command);
    return this.settle();
  }
  get status(): Status {
    const last = this.events.findLast((event) => event.type === 'status');
    if (!last) throw new Error('no status');
    return last.status;
  }
  get refusals(): string[] {
    return this.events.flatMap((event) => (event.type === 'refused' ? [`${event.command}: ${event.message}`] : []));
  }
  get ioctls(): IoctlEntry[] {
    const entries = new Map<number, IoctlEntry>();
    for (const event of this.events) {
      if (event.type === 'ioctls') for (const entry of event.entries) entries.set(entry.seq, entry);
    }
    return [...entries.values()].sort((a, b) => a.seq - b.seq);
  }
  printed(stream: 'console' | 'script'): string {
    return this.events
      .flatMap((event) => (event.type === 'output' && event.stream === stream ? [event.text] : []))
      .join('');
  }
  view<V extends Query['view']>(query: Extract<Query, { view: V }>): Extract<View, { view: V }> {
    const view = this.session.query(query);
    if (view.view !== query.view) throw new Error(view.view === 'nothing' ? view.why : view.view);
    return view as Extract<View, { view: V }>;
  }
  x(name: string): bigint {
    const vcpu = this.status.vcpu?.vcpu ?? -1;
    const groups = this.view({ view: 'registers', vcpu }).groups;
    const found = groups.flatMap((group) => group.registers).find((register) => register.name === name);
    if (!found) throw new Error(`no register ${name}`);
    return found.value;
  }
}
