import { madeIt } from '../probe.ts';
import { argument } from '../record.ts';
import type { Case, Section } from './section.ts';

export const createvm: Section = (probe) => {
  const create: Case = (record) => {
    const answer = probe.ioctl(probe.kvm, 'KVM_CREATE_VM', argument(record, 'type'));
    probe.close(answer.ret);
    return madeIt(answer);
  };
  return { KVM_CREATE_VM: create, KVM_CREATE_VM_bit: create };
};
