import { createStore } from 'zustand/vanilla';
import { useWhileVisible } from './panel-visible.ts';
import type { AddressSpace, Status } from '../session/messages.ts';
import { openPanel } from './workbench.ts';
import { useSandbox } from './store.ts';

/** What the inspection views look at; shared, so that one view can send the person to another. */
export interface Inspection {
  /** The chosen vCPU, or VM that has none, by descriptor; null follows the vCPU that runs. */
  readonly target: number | null;
  readonly disassembly: bigint | 'pc';
  readonly memory: { readonly space: AddressSpace; readonly address: bigint };
  readonly walk: { readonly va: bigint; readonly access: 'read' | 'write' | 'execute' } | null;
  readonly tables: 1 | 2;
  /** An address whose entry is to be shown among them; a new object asks anew. */
  readonly entry: { readonly input: bigint } | null;
  /** The instruction whose page is shown: a word and where it stands; null: none chosen. */
  readonly instruction: { readonly word: number; readonly address: bigint } | null;
}

export const inspectStore = createStore<Inspection>(() => ({
  target: null,
  disassembly: 'pc',
  memory: { space: 'ipa', address: 0n },
  walk: null,
  tables: 2,
  entry: null,
  instruction: null,
}));

export function useInspection<T>(select: (inspection: Inspection) => T): T {
  return useWhileVisible(inspectStore, select);
}

export function showMemory(space: AddressSpace, address: bigint): void {
  inspectStore.setState({ memory: { space, address } });
  openPanel('memory');
}

export function showTables(stage: 1 | 2): void {
  inspectStore.setState({ tables: stage });
  openPanel('tables');
}

/** Opens stage 2's tables down to the entry that translates an IPA. */
export function showEntry(input: bigint): void {
  inspectStore.setState({ entry: { input } });
  showTables(2);
}

export function showInstruction(word: number, address: bigint): void {
  inspectStore.setState({ instruction: { word, address } });
  openPanel('instruction');
}

export interface Target {
  readonly vm: number;
  /** Null for a VM that has none. */
  readonly vcpu: number | null;
}

const targetsKnown = new WeakMap<Status['vms'], readonly Target[]>();

/** Everything that can be looked at: all vCPUs, and the VMs without one. */
export function targetsOf({ vms }: Pick<Status, 'vms'>): readonly Target[] {
  const known = targetsKnown.get(vms);
  if (known) return known;
  const targets = vms.flatMap(({ fd: vm, vcpus }): readonly Target[] =>
    vcpus.length === 0 ? [{ vm, vcpu: null }] : vcpus.map(({ fd }) => ({ vm, vcpu: fd })),
  );
  targetsKnown.set(vms, targets);
  return targets;
}

export const descriptorOf = ({ vm, vcpu }: Target): number => vcpu ?? vm;

/** What to look at: what was chosen if it still exists, else the vCPU that runs or ran last, else the first, else the last VM. */
export function targetOf(status: Status, chosen: number | null): Target | null {
  const all = targetsOf(status);
  const byFd = (fd: number | null | undefined) => all.find((target) => descriptorOf(target) === fd);
  return byFd(chosen) ?? byFd(status.vcpu?.vcpu) ?? all.find(({ vcpu }) => vcpu !== null) ?? all.at(-1) ?? null;
}

/** The vCPU descriptor to ask for, or null while there is none. */
export function useTargetVcpu(): number | null {
  const chosen = useInspection((inspection) => inspection.target);
  return useSandbox((state) => targetOf(state.status, chosen)?.vcpu ?? null);
}

/** The VM descriptor to ask for; a VM without vCPUs counts too. */
export function useTargetVm(): number | null {
  const chosen = useInspection((inspection) => inspection.target);
  return useSandbox((state) => targetOf(state.status, chosen)?.vm ?? null);
}
