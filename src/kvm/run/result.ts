import type { Refusal } from '../refusal.ts';

/** What a handler of an exit says: on into the guest, out to userspace with kvm_run filled in, or an error of KVM_RUN. */
export type Handled = 'guest' | 'user' | Refusal;
