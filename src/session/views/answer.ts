import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { Query, TablesOwner, View } from '../messages.ts';
import { calculatorView, sizesHere } from './calculator.ts';
import { descriptorView } from './descriptor.ts';
import { disassemblyView } from './disassembly.ts';
import { dumpView } from './dump.ts';
import { nothing, type Inspected } from './inspected.ts';
import { instructionsView, instructionView } from './instruction.ts';
import { memoryMapView } from './memory-map.ts';
import { memoryView } from './memory.ts';
import { registersView } from './registers.ts';
import { stage2EventsView } from './stage2-events.ts';
import { tableView } from './table.ts';
import { tablesView } from './tables.ts';
import { walkView } from './walk.ts';

/** The answer to a query now; `inspected` null while nothing is loaded. */
export function answer(inspected: Inspected | null, query: Query): View {
  if (query.view === 'instructions') return instructionsView(query.text);
  if (query.view === 'calculator') return calculatorView(query, inspected ? sizesHere(inspected, query) : []);
  if (!inspected) return nothing('nothing is loaded');
  const ofVm = (fd: number, view: (vm: Vm) => View): View => {
    const vm = inspected.vm(fd);
    return vm ? view(vm) : nothing('there is no such VM');
  };
  const ofVcpu = (fd: number, view: (vcpu: Vcpu) => View): View => {
    const vcpu = inspected.vcpu(fd);
    return vcpu ? view(vcpu) : nothing('there is no such vCPU');
  };
  const ofOwner = (owner: TablesOwner, view: (owner: Vm | Vcpu) => View): View =>
    owner.stage === 1 ? ofVcpu(owner.vcpu, view) : ofVm(owner.vm, view);
  switch (query.view) {
    case 'registers':
      return ofVcpu(query.vcpu, (vcpu) => registersView(inspected, vcpu));
    case 'disassembly':
      return ofVcpu(query.vcpu, (vcpu) => disassemblyView(inspected, vcpu, query.address, query.count));
    case 'memory':
      return memoryView(inspected, query);
    case 'tables':
      return ofOwner(query, (owner) => tablesView(inspected, owner, query));
    case 'table':
      return ofOwner(query, (owner) => tableView(inspected, owner, query.address, query.since ?? 'stop'));
    case 'dump':
      return ofOwner(query, (owner) => dumpView(inspected, owner));
    case 'descriptor':
      return ofOwner(query, (owner) => descriptorView(inspected, owner, query));
    case 'walk':
      return ofVcpu(query.vcpu, (vcpu) => walkView(inspected, vcpu, query.va, query.access));
    case 'instruction':
      return instructionView(inspected, query.word, query.address);
    case 'stage2Events':
      return ofVm(query.vm, (vm) => stage2EventsView(vm, query));
    case 'memoryMap':
      return ofVm(query.vm, memoryMapView);
  }
}
