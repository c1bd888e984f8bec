import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { AddressSpace, Status } from '../session/messages.ts';
import { openPanel } from './workbench.ts';
import { useSandbox } from './store.ts';

/** What the inspection views look at; shared, so that one view can send the person to another. */
export interface Inspection {
  /** The chosen vCPU by descriptor; null follows the one that runs. */
  readonly vcpu: number | null;
  readonly disassembly: bigint | 'pc';
  readonly memory: { readonly space: AddressSpace; readonly address: bigint };
  readonly walk: { readonly va: bigint; readonly access: 'read' | 'write' | 'execute' } | null;
  readonly tables: 1 | 2;
}

export const inspectStore = createStore<Inspection>(() => ({
  vcpu: null,
  disassembly: 'pc',
  memory: { space: 'ipa', address: 0n },
  walk: null,
  tables: 2,
}));

export function useInspection<T>(select: (inspection: Inspection) => T): T {
  return useStore(inspectStore, select);
}

export function showMemory(space: AddressSpace, address: bigint): void {
  inspectStore.setState({ memory: { space, address } });
  openPanel('memory');
}

export function showWalk(va: bigint, access: 'read' | 'write' | 'execute' = 'read'): void {
  inspectStore.setState({ walk: { va, access } });
  openPanel('walk');
}

export function showDisassembly(address: bigint | 'pc'): void {
  inspectStore.setState({ disassembly: address });
  openPanel('disassembly');
}

export function showTables(stage: 1 | 2): void {
  inspectStore.setState({ tables: stage });
  openPanel('tables');
}

export interface Target {
  readonly vm: number;
  readonly vcpu: number;
}

/** The vCPU to look at: the chosen one if it still exists, else the one that runs or ran last, else the first. */
export function targetOf(status: Status, chosen: number | null): Target | null {
  const all = status.vms.flatMap((vm) => vm.vcpus.map((vcpu) => ({ vm: vm.fd, vcpu: vcpu.fd })));
  const byFd = (fd: number | undefined) => all.find((target) => target.vcpu === fd);
  return (chosen !== null ? byFd(chosen) : undefined) ?? byFd(status.vcpu?.vcpu) ?? all[0] ?? null;
}

/** The vCPU descriptor to ask for, or null while there is none. */
export function useTargetVcpu(): number | null {
  const chosen = useInspection((inspection) => inspection.vcpu);
  return useSandbox((state) => targetOf(state.status, chosen)?.vcpu ?? null);
}

/** The VM descriptor to ask for; a VM without vCPUs counts too. */
export function useTargetVm(): number | null {
  const chosen = useInspection((inspection) => inspection.vcpu);
  return useSandbox((state) => targetOf(state.status, chosen)?.vm ?? state.status.vms[0]?.fd ?? null);
}
