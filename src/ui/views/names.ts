import { useTargetVcpu } from '../inspect.ts';
import { useView } from '../sandbox-client.ts';
import { useSandbox } from '../store.ts';

/** What a person may type for an address: the guest's labels and constants, and the vCPU's registers as they are, once `wanted`. */
export function useNames(wanted: boolean): Readonly<Record<string, bigint>> {
  const symbols = useSandbox((state) => state.symbols);
  const vcpu = useTargetVcpu();
  const view = useView(wanted && vcpu !== null ? { view: 'registers', vcpu } : null);
  const groups = view?.view === 'registers' ? view.groups : [];
  const registers = groups.flatMap((group) =>
    group.registers.flatMap(({ name, value, bits }) => (bits === 128 ? [] : [[name, value] as const])),
  );
  return { ...symbols, ...Object.fromEntries(registers) };
}
