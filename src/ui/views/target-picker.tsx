import { inspectStore, useInspection } from '../inspect.ts';
import { useSandbox } from '../store.ts';

/** Which vCPU all views look at; there only where there is a choice. */
export function TargetPicker() {
  const vms = useSandbox((state) => state.status.vms);
  const chosen = useInspection((inspection) => inspection.vcpu);
  const all = vms.flatMap((vm) => vm.vcpus.map((vcpu) => ({ vm: vm.fd, ...vcpu })));
  if (all.length < 2) return null;
  const known = all.some((vcpu) => vcpu.fd === chosen);
  return (
    <select
      className="view-select"
      aria-label="vCPU"
      value={known && chosen !== null ? String(chosen) : 'running'}
      onChange={({ target }) =>
        inspectStore.setState({ vcpu: target.value === 'running' ? null : Number(target.value) })
      }
    >
      <option value="running">The vCPU that runs</option>
      {all.map((vcpu) => (
        <option key={vcpu.fd} value={vcpu.fd}>
          {vms.length > 1 ? `VM fd ${vcpu.vm}, ` : ''}vCPU {vcpu.id} (fd {vcpu.fd})
        </option>
      ))}
    </select>
  );
}
