import { useId, useState, type ReactNode } from 'react';
import { PA_BITS, type CalculatorView, type TablesSize } from '../../session/messages.ts';
import { hex, size as inFull } from '../format.ts';
import { useTargetVcpu, useTargetVm } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { DescriptorBits } from './descriptor-bits.tsx';
import { capitalized, plural, sentence, shortSize } from './format.ts';
import { Choice, Frame, Waiting } from './frame.tsx';
import { TargetPicker } from './target-picker.tsx';
import './calculator.css';

const STAGES = [
  { value: 2, text: 'Stage 2', title: 'IPA → PA: VTCR_EL2' },
  { value: 1, text: 'Stage 1', title: 'VA → IPA: TCR_EL1' },
] as const;
const GRANULES = [
  { value: 4096, text: '4K' },
  { value: 16384, text: '16K' },
  { value: 65536, text: '64K' },
] as const;

const START: TablesSize = { stage: 2, granule: 4096, inputBits: 40, paBits: 48, wide: false };
const FEWEST_BITS = 16;
const MOST_BITS = 52;

export function CalculatorPanel() {
  const [asked, setAsked] = useState(START);
  const paField = useId();
  const vm = useTargetVm();
  const vcpu = useTargetVcpu();
  const view = useView({
    view: 'calculator',
    ...asked,
    ...(vm === null ? {} : { vm }),
    ...(vcpu === null ? {} : { vcpu }),
  });
  const here = view?.view === 'calculator' ? view.here : [];
  const change = (part: Partial<TablesSize>) => setAsked({ ...asked, ...part });
  return (
    <Frame
      name="calculator"
      bar={
        <>
          <Choice label="Stage" value={asked.stage} options={STAGES} onChange={(stage) => change({ stage })} />
          <Choice
            label="Granule"
            value={asked.granule}
            options={GRANULES}
            onChange={(granule) => change({ granule })}
          />
          <BitsField
            label={asked.stage === 2 ? 'IPA bits' : 'VA bits'}
            value={asked.inputBits}
            onChange={(inputBits) => change({ inputBits })}
          />
          <span className="calculator-field">
            <label htmlFor={paField}>PA bits</label>
            <select
              id={paField}
              className="view-select"
              value={asked.paBits}
              onChange={({ target }) => {
                const paBits = PA_BITS.find((bits) => String(bits) === target.value);
                if (paBits !== undefined) change({ paBits });
              }}
            >
              {PA_BITS.map((bits) => (
                <option key={bits} value={bits}>
                  {bits}
                </option>
              ))}
            </select>
          </span>
          <label
            className="calculator-field"
            title="52 bits: with 4K and 16K pages FEAT_LPA2 and DS, at stage 1 with 64K pages FEAT_LVA"
          >
            <input type="checkbox" checked={asked.wide} onChange={({ target }) => change({ wide: target.checked })} />
            {asked.granule === 65536 ? 'LVA' : 'LPA2'}
          </label>
          <TargetPicker />
          {here.map((size) => (
            <button
              key={JSON.stringify(size)}
              type="button"
              className="view-button"
              title={`As this VM has it now: ${sizeText(size)}`}
              aria-pressed={JSON.stringify(size) === JSON.stringify(asked)}
              onClick={() => setAsked(size)}
            >
              VM’s stage {size.stage}
            </button>
          ))}
        </>
      }
    >
      {view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <Empty title={sentence(view.why)}>Choose another size above.</Empty>
      ) : (
        <Calculator view={view} asked={asked} />
      )}
    </Frame>
  );
}

/** What would give tables of that size. */
function lacking({ stage, granule, inputBits, paBits, wide }: TablesSize): string {
  if (inputBits > 48 && !wide && granule !== 65536) return 'More than 48 bits with 4K and 16K pages need FEAT_LPA2.';
  if (inputBits > 48 && !wide && stage === 1) return 'More than 48 bits of VA with 64K pages need FEAT_LVA.';
  if (stage === 2 && inputBits > paBits) return 'Choose another size, or more physical address bits above.';
  return 'Choose another size above.';
}

const sizeText = ({ stage, granule, inputBits, paBits }: TablesSize) =>
  `${inputBits} bits of ${stage === 2 ? 'IPA' : 'VA'}, ${granule / 1024}K pages, ${paBits} bits of PA`;

function BitsField({ label, value, onChange }: { label: string; value: number; onChange: (bits: number) => void }) {
  const id = useId();
  return (
    <span className="calculator-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={FEWEST_BITS}
        max={MOST_BITS}
        value={value}
        data-autofocus
        onChange={({ target }) => onChange(Number(target.value))}
      />
      <output htmlFor={id}>{value}</output>
    </span>
  );
}

export function Calculator({ view, asked }: { view: CalculatorView; asked: TablesSize }) {
  if (view.problem !== null) {
    return (
      <Empty title={`There are no such tables: ${sentence(view.problem)}`}>
        T0SZ is 64 less the bits of address, {64 - asked.inputBits} here. {lacking(asked)}
      </Empty>
    );
  }
  const chosen = view.starts.find((start) => start.chosen);
  return (
    <div className="calculator" tabIndex={0} role="region" aria-label="Tables of this size">
      <p>
        <b>{capitalized(view.format)} descriptors</b>
        {chosen &&
          `: ${plural(chosen.levels, 'level')} from ${chosen.level}, ${
            chosen.concatenated > 1 ? `${chosen.concatenated} tables side by side` : 'one table'
          } at the start, ${inFull(chosen.rootBytes)}.`}
      </p>
      <Part title={asked.stage === 2 ? 'Start levels' : 'The start level'}>
        <table>
          <thead>
            <tr>
              <th scope="col">Start</th>
              <th scope="col">Levels</th>
              <th scope="col">Tables</th>
              <th scope="col">Entries</th>
              <th scope="col">Root</th>
              {asked.stage === 2 && <th scope="col">Encoded</th>}
            </tr>
          </thead>
          <tbody>
            {view.starts.map((start) => (
              <tr key={start.level} data-chosen={start.chosen} data-refused={start.refused !== null}>
                <th scope="row">level {start.level}</th>
                <td>{start.levels}</td>
                {start.refused === null ? (
                  <>
                    <td>{start.concatenated > 1 ? `${start.concatenated} concatenated` : '1'}</td>
                    <td>{start.entries}</td>
                    <td>{shortSize(start.rootBytes)}</td>
                    {asked.stage === 2 && (
                      <td>
                        {start.encoded}
                        {start.chosen && ', KVM’s choice'}
                      </td>
                    )}
                  </>
                ) : (
                  <td colSpan={4}>{sentence(start.refused)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      <Part title="Levels">
        <table>
          <thead>
            <tr>
              <th scope="col">Level</th>
              <th scope="col">Index</th>
              <th scope="col">Entries</th>
              <th scope="col">An entry maps</th>
              <th scope="col">Contiguous</th>
            </tr>
          </thead>
          <tbody>
            {view.levels.map(({ level, bits, entries, entrySize, leaf, contiguous }) => (
              <tr key={level}>
                <th scope="row">{level}</th>
                <td>bits {bits}</td>
                <td>{entries}</td>
                <td>
                  {shortSize(entrySize)} {leaf ?? 'by a table'}
                </td>
                <td>{contiguous > 1 ? `${contiguous}: ${shortSize(entrySize * BigInt(contiguous))}` : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Part>
      {view.registers.map((register) => (
        <Part
          key={register.name}
          title={`${register.name} = ${hex(register.value, 16)}, as ${asked.stage === 2 ? 'KVM' : 'Linux for TTBR0'} sets it`}
        >
          <DescriptorBits value={register.value} fields={register.fields} />
        </Part>
      ))}
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
