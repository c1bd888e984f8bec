import type { KvmMode } from '../../session/messages.ts';
import { descriptorOf, inspectStore, targetsOf, useInspection } from '../inspect.ts';
import { useSandbox } from '../store.ts';
import { useWorkspace } from '../workspace.ts';

const MODES: Readonly<Record<KvmMode, string>> = { vhe: 'VHE', nvhe: 'nVHE', protected: 'protected' };

/** Which vCPU, or VM without one, all views look at; there only where there is a choice. */
export function TargetPicker() {
  const vms = useSandbox((state) => state.status.vms);
  const chosen = useInspection((inspection) => inspection.target);
  const all = targetsOf({ vms });
  const mode = useWorkspace((workspace) => workspace.loaded?.host.mode);
  if (all.length < 2) return null;
  const known = all.some((target) => descriptorOf(target) === chosen);
  const idOf = (fd: number) => vms.flatMap(({ vcpus }) => vcpus).find((vcpu) => vcpu.fd === fd)?.id;
  const ipaBitsOf = (fd: number) => vms.find((vm) => vm.fd === fd)?.ipaBits;
  return (
    <select
      className="view-select"
      aria-label="VM and vCPU"
      title={mode && `VM and vCPU that are shown; the host’s KVM is in ${MODES[mode]} mode`}
      value={known && chosen !== null ? String(chosen) : 'running'}
      onChange={({ target }) =>
        inspectStore.setState({ target: target.value === 'running' ? null : Number(target.value) })
      }
    >
      <option value="running">{all.some(({ vcpu }) => vcpu !== null) ? 'The vCPU that runs' : 'The last VM'}</option>
      {all.map(({ vm, vcpu }) => (
        <option key={vcpu ?? vm} value={vcpu ?? vm}>
          {vms.length > 1 || vcpu === null ? `VM ${vm} (${ipaBitsOf(vm)} bits), ` : ''}
          {vcpu === null ? 'no vCPU' : `vCPU ${idOf(vcpu)} (fd ${vcpu})`}
        </option>
      ))}
    </select>
  );
}
