import { useId, useState } from 'react';
import type { ReactNode } from 'react';
import type { HostConfig } from '../../session/messages.ts';
import { load } from '../control.ts';
import { parseNumber, size } from '../format.ts';
import {
  CPUS,
  GICS,
  GRANULES,
  KERNEL_BITS,
  MAX_RAM_RANGES,
  MODES,
  PA_BITS,
  PAGE_SIZES,
  PSCI_VERSIONS,
  REG_SCOPES,
  sameHost,
} from '../host-options.ts';
import { Icon } from '../icons.tsx';
import { IconButton } from '../parts.tsx';
import { prose } from '../prose.ts';
import { useSandbox } from '../store.ts';
import { edit, useWorkspace } from '../workspace.ts';
import { fieldError, ramRows, readRam } from './ram.ts';
import type { RamRow } from './ram.ts';
import './host.css';

const MODE_TITLES = { vhe: 'VHE', nvhe: 'nVHE', protected: 'protected (pKVM)' } as const;

function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="form-row">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {hint ? <p className="form-hint">{hint}</p> : null}
    </div>
  );
}

function Select<T extends string | number>({
  id,
  value,
  options,
  text,
  onChange,
}: {
  id: string;
  value: T;
  options: readonly T[];
  text: (option: T) => string;
  onChange: (value: T) => void;
}) {
  const choose = (chosen: string) => {
    const option = options.find((other) => String(other) === chosen);
    if (option !== undefined) onChange(option);
  };
  return (
    <select id={id} className="field" value={value} onChange={(event) => choose(event.target.value)}>
      {options.map((option) => (
        <option key={option} value={option}>
          {text(option)}
        </option>
      ))}
    </select>
  );
}

const PA_OPTIONS = ['preset', ...PA_BITS] as const;
const FEATURE_OPTIONS = ['preset', 'on', 'off'] as const;
const FEATURES = [
  { field: 'lpa2', label: 'LPA2', hint: '52-bit addresses with 4K and 16K pages' },
  { field: 'lva', label: 'LVA', hint: '52-bit virtual addresses with 64K pages' },
] as const;

/** CONFIG_ARM64_PA_BITS and CONFIG_ARM64_VA_BITS, as `52/48`. */
const KERNELS = KERNEL_BITS.flatMap((paBits) => KERNEL_BITS.map((vaBits) => ({ paBits, vaBits })));
const kernelName = ({ paBits, vaBits }: { paBits: number; vaBits: number }) => `${paBits}/${vaBits}`;
const KERNEL_OPTIONS: readonly string[] = KERNELS.map(kernelName).reverse();
const DEFAULT_KERNEL = { paBits: 52, vaBits: 52 } as const;

type Optional =
  'paBits' | 'lpa2' | 'lva' | 'kernel' | 'stage1Granules' | 'stage2Granules' | 'gic' | 'psci' | 'proposals';

/** Every choice of granules, by how it is written. */
const GRANULE_SETS = [1, 2, 4, 3, 5, 6, 7].map((bits) => GRANULES.filter((_, index) => bits & (1 << index)));
const GRANULE_OPTIONS: readonly string[] = ['preset', ...GRANULE_SETS.map((set) => set.join(', '))];
const STAGES = [
  { field: 'stage1Granules', label: 'Stage 1 granules', hint: 'Page sizes that stage 1 of the hardware has' },
  {
    field: 'stage2Granules',
    label: 'Stage 2 granules',
    hint: 'And stage 2, which may differ (ID_AA64MMFR0_EL1.TGranX_2)',
  },
] as const;

const PSCI_TITLES = { '1.1': '1.1, as Linux 6.12 (recorded)', '1.3': '1.3, as Linux 6.13' } as const;

const SCOPE_OPTIONS = ['off', ...REG_SCOPES] as const;
const SCOPE_TITLES = {
  off: 'not there',
  'arm64-bit': 'one bit, as arm64’s own',
  'neutral-nibble': 'a nibble for all architectures',
} as const;

/** The same host without one of its optional fields. */
function without(host: HostConfig, field: Optional): HostConfig {
  const { [field]: _, ...rest } = host;
  return rest;
}

/** Hardware and kernel configuration of the host, as a form. */
export function HostPanel() {
  const presets = useSandbox((state) => state.presets);
  const host = useWorkspace((workspace) => workspace.draft.host);
  const inUse = useWorkspace((workspace) => workspace.loaded !== null && sameHost(workspace.loaded.host, host));
  const ready = useSandbox((state) => state.worker === 'ready');
  const problems = useSandbox((state) => state.diagnostics).filter((diagnostic) => diagnostic.source === 'host');
  const { rows, setRows } = useRamRows(host);
  const ramValid = readRam(rows) !== null;
  const change = (changed: Partial<HostConfig>) => edit({ host: { ...host, ...changed } });
  const preset = presets.find((other) => sameHost(other.config, host))?.name ?? '';
  return (
    <form
      className="scroll form"
      aria-label="Host configuration"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && ramValid) load();
      }}
    >
      <Field label="Preset">
        {(id) => (
          <select
            id={id}
            className="field"
            data-autofocus
            value={preset}
            onChange={(event) => {
              const chosen = presets.find((other) => other.name === event.target.value);
              if (chosen) edit({ host: chosen.config });
            }}
          >
            {preset === '' ? <option value="">custom</option> : null}
            {presets.map((other) => (
              <option key={other.name} value={other.name}>
                {other.title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <fieldset>
        <legend>Hardware</legend>
        <Field label="CPU">
          {(id) => <Select id={id} value={host.cpu} options={CPUS} text={String} onChange={(cpu) => change({ cpu })} />}
        </Field>
        <Field label="PA size" hint="ID_AA64MMFR0_EL1.PARange: it limits the host’s RAM and the IPA size of its VMs">
          {(id) => (
            <Select
              id={id}
              value={host.paBits ?? 'preset'}
              options={PA_OPTIONS}
              text={(bits) =>
                bits === 'preset' ? 'as the CPU has it' : bits === 52 ? '52 bits (FEAT_LPA)' : `${bits} bits`
              }
              onChange={(bits) =>
                edit({ host: bits === 'preset' ? without(host, 'paBits') : { ...host, paBits: bits } })
              }
            />
          )}
        </Field>
        {FEATURES.map(({ field, label, hint }) => (
          <Field key={field} label={label} hint={hint}>
            {(id) => (
              <Select
                id={id}
                value={host[field] === undefined ? 'preset' : host[field] ? 'on' : 'off'}
                options={FEATURE_OPTIONS}
                text={(option) => (option === 'preset' ? 'as the CPU has it' : option)}
                onChange={(option) =>
                  edit({ host: option === 'preset' ? without(host, field) : { ...host, [field]: option === 'on' } })
                }
              />
            )}
          </Field>
        ))}
        {STAGES.map(({ field, label, hint }) => (
          <Field key={field} label={label} hint={hint}>
            {(id) => (
              <Select
                id={id}
                value={host[field]?.join(', ') ?? 'preset'}
                options={GRANULE_OPTIONS}
                text={(option) => (option === 'preset' ? 'as the CPU has it' : option)}
                onChange={(option) => {
                  const set = GRANULE_SETS.find((each) => each.join(', ') === option);
                  edit({ host: set ? { ...host, [field]: set } : without(host, field) });
                }}
              />
            )}
          </Field>
        ))}
        <Field label="Interrupt controller" hint="A GICv2 has 8 CPUs at most, and so have its VMs">
          {(id) => (
            <Select
              id={id}
              value={host.gic ?? 'v3'}
              options={GICS}
              text={(gic) => `GIC${gic}`}
              onChange={(gic) => edit({ host: gic === 'v3' ? without(host, 'gic') : { ...host, gic } })}
            />
          )}
        </Field>
      </fieldset>
      <fieldset>
        <legend>Kernel</legend>
        <Field label="Page size">
          {(id) => (
            <Select
              id={id}
              value={host.pageSize}
              options={PAGE_SIZES}
              text={(bytes) => `${bytes / 1024}K`}
              onChange={(pageSize) => change({ pageSize })}
            />
          )}
        </Field>
        <Field label="KVM’s latest PSCI" hint="1.3 has SYSTEM_OFF2; all else of KVM stays that of Linux 6.12">
          {(id) => (
            <Select
              id={id}
              value={host.psci ?? '1.1'}
              options={PSCI_VERSIONS}
              text={(psci) => PSCI_TITLES[psci]}
              onChange={(psci) => edit({ host: psci === '1.1' ? without(host, 'psci') : { ...host, psci } })}
            />
          )}
        </Field>
        <Field
          label="KVM_CAP_ARM_REG_SCOPE"
          hint="As proposed: KVM_GET_REG_LIST says in bits 28 and up whether a register is a VM’s or a vCPU’s"
        >
          {(id) => (
            <Select
              id={id}
              value={host.proposals?.regScope ?? 'off'}
              options={SCOPE_OPTIONS}
              text={(option) => SCOPE_TITLES[option]}
              onChange={(regScope) =>
                edit({
                  host: regScope === 'off' ? without(host, 'proposals') : { ...host, proposals: { regScope } },
                })
              }
            />
          )}
        </Field>
        <Field
          label="Address bits"
          hint="Physical and virtual, as the kernel was built (CONFIG_ARM64_PA_BITS, CONFIG_ARM64_VA_BITS); hardware may have fewer"
        >
          {(id) => (
            <Select
              id={id}
              value={kernelName(host.kernel ?? DEFAULT_KERNEL)}
              options={KERNEL_OPTIONS}
              text={(option) => option.replace('/', ' physical, ') + ' virtual'}
              onChange={(option) => {
                const kernel = KERNELS.find((each) => kernelName(each) === option);
                if (!kernel) return;
                const isDefault = kernel.paBits === 52 && kernel.vaBits === 52;
                edit({ host: isDefault ? without(host, 'kernel') : { ...host, kernel } });
              }}
            />
          )}
        </Field>
        <Field label="KVM mode" hint="VHE: the host’s kernel runs at EL2; nVHE: at EL1 with a hypervisor at EL2">
          {(id) => (
            <Select
              id={id}
              value={host.mode}
              options={MODES}
              text={(mode) => MODE_TITLES[mode]}
              onChange={(mode) => change({ mode })}
            />
          )}
        </Field>
      </fieldset>
      <RamFields rows={rows} onChange={setRows} />
      {problems.map((problem, index) => (
        <p key={index} className="form-error" role="alert">
          {prose(problem.message)}
        </p>
      ))}
      <div className="form-actions">
        <button type="submit" className="button primary" disabled={!ready || !ramValid}>
          {inUse ? 'Boot again' : 'Apply and boot'}
        </button>
        <span className="muted">{inUse ? 'This is the host that is booted.' : 'Ends what runs; your text stays.'}</span>
      </div>
    </form>
  );
}

/** The RAM ranges as text; those that are right go to the workspace at once. */
function useRamRows(host: HostConfig) {
  const [rows, setText] = useState(() => ramRows(host.ram));
  const [from, setFrom] = useState(host.ram);
  // Another preset or lab: what stands in the form is no longer what was meant.
  if (host.ram !== from) {
    setFrom(host.ram);
    setText(ramRows(host.ram));
  }
  const setRows = (changed: readonly RamRow[]) => {
    setText(changed);
    const ram = readRam(changed);
    if (!ram) return;
    setFrom(ram);
    edit({ host: { ...host, ram } });
  };
  return { rows, setRows };
}

function RamFields({ rows, onChange }: { rows: readonly RamRow[]; onChange: (rows: readonly RamRow[]) => void }) {
  const setField = (index: number, field: keyof RamRow, text: string) =>
    onChange(rows.map((row, other) => (other === index ? { ...row, [field]: text } : row)));
  const last = rows.at(-1);
  const next = last ? (parseNumber(last.base) ?? 0n) + (parseNumber(last.size) ?? 0n) : 0x4000_0000n;
  return (
    <fieldset>
      <legend>RAM</legend>
      {rows.map((row, index) => (
        <div key={index} className="ram-row" role="group" aria-label={`RAM range ${index + 1}`}>
          <RamField label="Base" text={row.base} field="base" onChange={(text) => setField(index, 'base', text)} />
          <RamField label="Size" text={row.size} field="size" onChange={(text) => setField(index, 'size', text)} />
          <IconButton
            label={`Remove RAM range ${index + 1}`}
            disabled={rows.length === 1}
            onClick={() => onChange(rows.filter((_, other) => other !== index))}
          >
            <Icon name="close" />
          </IconButton>
        </div>
      ))}
      <button
        type="button"
        className="button small"
        disabled={rows.length >= MAX_RAM_RANGES}
        onClick={() => onChange([...rows, { base: `0x${next.toString(16)}`, size: '256M' }])}
      >
        <Icon name="plus" /> Add range
      </button>
    </fieldset>
  );
}

function RamField({
  label,
  text,
  field,
  onChange,
}: {
  label: string;
  text: string;
  field: keyof RamRow;
  onChange: (text: string) => void;
}) {
  const id = useId();
  const error = fieldError(text, field);
  const value = parseNumber(text);
  const note = error ?? (field === 'size' && value !== null ? size(value) : '');
  return (
    <div className="ram-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="field mono"
        value={text}
        spellCheck={false}
        aria-invalid={error !== null}
        aria-describedby={`${id}-note`}
        onChange={(event) => onChange(event.target.value)}
      />
      <span id={`${id}-note`} className={error ? 'form-error' : 'form-hint'}>
        {note}
      </span>
    </div>
  );
}
