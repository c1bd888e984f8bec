/** A process that steps a guest through the session, as the page does: STEPS in, steps in a second of CPU time out. */
import './v8-flags.ts';
import type { Command } from '../src/session/messages.ts';
import { Session } from '../src/session/session.ts';

const steps = Number(process.argv[2]);

const SCRIPT = `const kvm = open('/dev/kvm');
const vm = await ioctl(kvm, KVM_CREATE_VM, 40);
const ram = alloc(0x1_0000, { shared: true });
ram.write(0, guest.bytes);
await ioctl(vm, KVM_SET_USER_MEMORY_REGION, { slot: 0, guest_phys_addr: guest.origin, memory_size: ram.size, userspace_addr: ram.address });
const vcpu = await ioctl(vm, KVM_CREATE_VCPU, 0);
const init = struct('kvm_vcpu_init');
await ioctl(vm, KVM_ARM_PREFERRED_TARGET, init);
await ioctl(vcpu, KVM_ARM_VCPU_INIT, init);
await setOneReg(vcpu, 'pc', guest.entry);
await ioctl(vcpu, KVM_RUN);
`;
const GUEST = `        adr     x1, word
again:  ldr     x0, [x1]
        add     x0, x0, #1
        str     x0, [x1]
        bl      leaf
        b       again
leaf:   ret
        .balign 8
word:   .quad   0
`;

const session = await Session.create(() => undefined);

function carryOut(command: Command): void {
  session.handle(command);
  while (session.slice());
}

carryOut({
  type: 'load',
  sandbox: {
    host: { cpu: 'max', pageSize: 4096, mode: 'vhe', ram: [{ base: 0x4000_0000n, size: 0x0400_0000n }] },
    script: SCRIPT,
    guest: GUEST,
  },
  breakpoints: [],
});
// The first step runs the script until the vCPU is about to execute an instruction.
carryOut({ type: 'stepInstruction' });
const before = session.status.instructions;
const start = process.cpuUsage();
for (let step = 0; step < steps; step++) carryOut({ type: 'stepInstruction' });
const { user, system } = process.cpuUsage(start);
const { instructions, state, message } = session.status;
if (instructions - before !== BigInt(steps)) {
  throw new Error(`${instructions - before} of ${steps} steps: ${state}, ${message ?? ''}`);
}
console.log(JSON.stringify({ stepsPerSecond: steps / ((user + system) / 1e6) }));
