import type { Vcpu } from '../../kvm/vcpu.ts';
import type { Vm } from '../../kvm/vm.ts';
import { decodeDescriptor, type MeaningContext } from '../../machine/translation/descriptor.ts';
import { levelShift, tableFormat, type TableFormat } from '../../machine/translation/format.ts';
import type { DescriptorView, OtherFormat } from '../messages.ts';
import { encode, GRANULE_NAMES, mappingOf, type Mapping, type Surroundings } from './equivalent.ts';
import type { Inspected, Nothing } from './inspected.ts';
import { nothing } from './inspected.ts';
import { treesOf } from './trees.ts';

/** What a value says as a descriptor of the owner's format, and its mapping in the other formats. */
export function descriptorView(
  inspected: Inspected,
  owner: Vm | Vcpu,
  level: number,
  value: bigint,
): DescriptorView | Nothing {
  const [tree] = treesOf(inspected, owner);
  if (!tree) return nothing('there are no tables that a walk could begin with');
  const { format } = tree.tables;
  // Each stage's fields depend on registers of its own: those of the vCPU and of its VM, or of the VM's first.
  const vcpu = owner.kind === 'vm' ? [...owner.vcpus][0] : owner;
  const vm = owner.kind === 'vm' ? owner : owner.vm;
  const context: MeaningContext = {
    ...(vcpu ? { mair: vcpu.context.read('MAIR_EL1') } : {}),
    forcedWriteBack: vm.kvm.features.stage2ForceWriteBack,
    executeByEl: vm.kvm.host.model.features.stage2ExecuteByEl,
  };
  const around: Surroundings = { ...context, shareability: tree.shareability };
  const { kind, fields } = decodeDescriptor(format, level, value, context);
  const mapping = mappingOf(format, level, value, around);
  return { view: 'descriptor', kind, fields, others: mapping ? others(format, mapping, around) : [] };
}

function others(own: TableFormat, mapping: Mapping, around: Surroundings): OtherFormat[] {
  // The stage of the descriptor first.
  const stages = own.stage === 1 ? ([1, 2] as const) : ([2, 1] as const);
  return stages.flatMap((stage) =>
    GRANULE_NAMES.flatMap((granule) =>
      ([48, 52] as const).flatMap((bits) => {
        const format = tableFormat(stage, granule, bits);
        return format === own ? [] : [inFormat(format, mapping, around)];
      }),
    ),
  );
}

function inFormat(format: TableFormat, mapping: Mapping, around: Surroundings): OtherFormat {
  const encoded = encode(format, mapping, around);
  if (!encoded.ok) return { ok: false, format: format.name, why: encoded.why };
  const { level, value, notes } = encoded;
  return {
    ok: true,
    format: format.name,
    level,
    size: 1n << BigInt(levelShift(format.granule, level)),
    value,
    fields: decodeDescriptor(format, level, value, around).fields,
    notes,
  };
}
