import { memo, useId, useState } from 'react';
import type { RegistersView, RegisterValue } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { useTargetVcpu } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { copyText } from './clipboard.ts';
import { sentence } from './format.ts';
import { ChangedMark, Choice, Frame, Waiting } from './frame.tsx';
import { TargetPicker } from './target-picker.tsx';
import './registers.css';

type Base = 'hex' | 'dec';

const BASES = [
  { value: 'hex', text: 'Hex' },
  { value: 'dec', text: 'Dec', title: 'Unsigned decimal' },
] as const;

export function RegistersPanel() {
  const vcpu = useTargetVcpu();
  const view = useView(vcpu === null ? null : { view: 'registers', vcpu });
  const [base, setBase] = useState<Base>('hex');
  const [filter, setFilter] = useState('');
  return (
    <Frame
      name="registers"
      bar={
        <>
          <TargetPicker />
          <input
            type="search"
            className="view-filter"
            aria-label="Filter registers"
            placeholder="Filter by name or meaning"
            spellCheck={false}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
          <Choice label="Number base" value={base} options={BASES} onChange={setBase} />
        </>
      }
    >
      {vcpu === null ? (
        <NoRegisters why="There is no vCPU yet." />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoRegisters why={sentence(view.why)} />
      ) : (
        <Registers groups={view.groups} base={base} filter={filter} />
      )}
    </Frame>
  );
}

function NoRegisters({ why }: { why: string }) {
  return (
    <Empty title={why}>
      General, special and system registers of a vCPU appear here, each change marked at every stop. Run or step the
      script until it has called KVM_CREATE_VCPU and KVM_ARM_VCPU_INIT.
    </Empty>
  );
}

interface RegistersProps {
  readonly groups: RegistersView['groups'];
  readonly base: Base;
  readonly filter: string;
}

export function Registers({ groups, base, filter }: RegistersProps) {
  const [current, setCurrent] = useState<string | null>(null);
  const id = useId();
  const wanted = filter.trim().toLowerCase();
  const shown = wanted === '' ? groups : matching(groups, wanted);
  const all = shown.flatMap((group) => group.registers);
  const at = all.findIndex((register) => register.name === current);
  const selected = all[at];
  const move = (to: number) => {
    const register = all[Math.min(all.length - 1, Math.max(0, to))];
    if (!register) return;
    setCurrent(register.name);
    document.getElementById(`${id}-${register.name}`)?.scrollIntoView({ block: 'nearest' });
  };
  return (
    <>
      <div
        className="registers-list"
        role="listbox"
        aria-label="Registers"
        tabIndex={0}
        data-autofocus
        aria-activedescendant={selected && `${id}-${selected.name}`}
        onKeyDown={(event) => {
          const copy = event.key === 'Enter' || (event.key.toLowerCase() === 'c' && (event.ctrlKey || event.metaKey));
          if (copy && selected) void copyText(hex(selected.value));
          else if (event.key in STEPS && !event.altKey) move(at + STEPS[event.key]!);
          else if (event.key === 'Home') move(0);
          else if (event.key === 'End') move(all.length - 1);
          else return;
          event.preventDefault();
        }}
      >
        {shown.map((group) => (
          <Group
            key={group.title}
            id={id}
            group={group}
            base={base}
            selected={selected && group.registers.includes(selected) ? selected.name : null}
            onSelect={setCurrent}
          />
        ))}
        {all.length === 0 && <p className="view-note">No register matches “{filter.trim()}”.</p>}
      </div>
      <div className="view-foot registers-detail">
        {selected ? (
          <>
            <button
              type="button"
              className="view-button"
              aria-label={`Copy ${selected.name}`}
              onClick={() => void copyText(hex(selected.value))}
            >
              Copy
            </button>
            <span className="registers-detail-text">
              <b>{selected.name}</b> {hex(selected.value)}
              {selected.bits < 128 && ` = ${BigInt.asUintN(selected.bits, selected.value)}`}
              {selected.bits < 128 && isNegative(selected) && ` = ${BigInt.asIntN(selected.bits, selected.value)}`}
              {selected.meaning && ` · ${selected.meaning}`}
              {selected.oneReg !== null && (
                <span className="view-muted"> · KVM_GET_ONE_REG {hex(selected.oneReg)}</span>
              )}
            </span>
          </>
        ) : (
          <span className="view-muted">
            Select a register for its value in hex and decimal and its KVM_GET_ONE_REG id.
          </span>
        )}
      </div>
    </>
  );
}

type RegisterGroup = RegistersView['groups'][number];

interface GroupProps {
  /** What the ids of all registers begin with. */
  readonly id: string;
  readonly group: RegisterGroup;
  readonly base: Base;
  readonly selected: string | null;
  readonly onSelect: (name: string) => void;
}

/** Of some ten groups a step changes few. */
const Group = memo(function Group({ id, group: { title, registers }, base, selected, onSelect }: GroupProps) {
  return (
    <div role="group" className="registers-group" aria-labelledby={`${id}-group-${title}`}>
      <h3 id={`${id}-group-${title}`} role="presentation">
        {title}
      </h3>
      <div className={isCompact(registers) ? 'registers-cells' : 'registers-rows'} role="presentation">
        {registers.map((register) => (
          <Register
            key={register.name}
            id={`${id}-${register.name}`}
            register={register}
            base={base}
            selected={register.name === selected}
            onSelect={onSelect}
          />
        ))}
      </div>
    </div>
  );
});

interface RegisterProps {
  readonly id: string;
  readonly register: RegisterValue;
  readonly base: Base;
  readonly selected: boolean;
  readonly onSelect: (name: string) => void;
}

/** Characters of a meaning that fit beside name and value however narrow the panel is. */
const SURE_TO_FIT = 20;

const Register = memo(function Register({ id, register, base, selected, onSelect }: RegisterProps) {
  const { name, value, bits, changed, meaning } = register;
  return (
    <div
      id={id}
      role="option"
      aria-selected={selected}
      className="registers-item"
      data-changed={changed}
      data-bits={bits}
      onClick={() => onSelect(name)}
      onDoubleClick={() => void copyText(hex(value))}
    >
      <ChangedMark changed={changed} />
      <span className="registers-name">{name}</span>
      <span className="registers-value">
        {base === 'hex' || bits === 128 ? <HexValue register={register} /> : value.toString()}
      </span>
      <span className="registers-meaning" title={meaning} data-long={meaning.length > SURE_TO_FIT}>
        {meaning}
      </span>
    </div>
  );
});

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowLeft: -1,
  PageDown: 10,
  PageUp: -10,
};

function matching(groups: readonly RegisterGroup[], wanted: string): RegisterGroup[] {
  return groups
    .map((group) => ({ ...group, registers: group.registers.filter((register) => matches(register, wanted)) }))
    .filter((group) => group.registers.length > 0);
}

function matches(register: RegisterValue, wanted: string): boolean {
  return register.name.toLowerCase().includes(wanted) || register.meaning.toLowerCase().includes(wanted);
}

/** Registers that mostly say nothing but their value stand in columns; of the others each gets a row. */
function isCompact(registers: readonly RegisterValue[]): boolean {
  return registers.filter((register) => register.meaning !== '').length * 3 < registers.length;
}

function isNegative({ value, bits }: RegisterValue): boolean {
  return BigInt.asIntN(bits, value) < 0n;
}

/** All digits of a register's width, the leading zeros in the background. */
function HexValue({ register: { value, bits } }: { register: RegisterValue }) {
  const text = hex(value, bits / 4);
  const start = value === 0n ? text.length - 1 : text.search(/[1-9a-f]/);
  return (
    <>
      <span className="registers-zeros">{text.slice(0, start)}</span>
      {text.slice(start)}
    </>
  );
}
