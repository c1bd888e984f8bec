import type { GuestPause, RunControl } from '../descriptor.ts';
import type { Vcpu } from '../vcpu.ts';

export type Steps<T> = Generator<GuestPause, T, void>;

/** What whoever drives gives the vCPU until it has to yield: from the last time that it did. */
export class Slice {
  /** The count of instructions at its end. */
  end = 0;
  readonly #vcpu: Vcpu;
  readonly #control: RunControl;

  constructor(vcpu: Vcpu, control: RunControl) {
    this.#vcpu = vcpu;
    this.#control = control;
    this.begin();
  }

  begin(): void {
    this.end = this.#vcpu.vm.kvm.host.cpu.instructions + Math.max(0, this.#control.budget);
  }

  /** The vCPU can only wait. */
  *idle(wakes: bigint | null = null): Steps<void> {
    yield { why: 'idle', vcpu: this.#vcpu, wakes };
    this.begin();
  }
}
