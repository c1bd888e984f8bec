import { useState } from 'react';
import type { TlbCounts, WalkStep, WalkView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { inspectStore, showMemory, useInspection, useTargetVcpu } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { useSandbox } from '../store.ts';
import { AddressField } from './address-field.tsx';
import { DescriptorBits } from './descriptor-bits.tsx';
import { plural, sentence } from './format.ts';
import { Choice, Detail, Frame, Toggle, Waiting } from './frame.tsx';
import { TargetPicker } from './target-picker.tsx';
import { WalkGrid } from './walk-grid.tsx';
import { groupWalk } from './walk-groups.ts';
import type { NumberedStep, WalkGroup } from './walk-groups.ts';
import { useInSight } from './use-in-sight.ts';
import { useWidth } from './use-width.ts';
import './walk.css';

const ACCESSES = [
  { value: 'execute', text: 'Execute' },
  { value: 'read', text: 'Read' },
  { value: 'write', text: 'Write' },
] as const;

/** Reads stand side by side where a whole group fits, else one below the other. In pixels; the gap is walk.css's. */
const CARD_WIDTH = 138;
const CARD_GAP = 16;

const SHAPES = [
  {
    value: 'grid',
    text: 'Picture',
    title: 'Stage 1 from top to bottom, the stage 2 of each address from left to right',
  },
  { value: 'list', text: 'List', title: 'One read after the other' },
] as const;
type Shape = (typeof SHAPES)[number]['value'];

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

export function WalkPanel() {
  const vcpu = useTargetVcpu();
  const pc = useSandbox((state) => state.status.pc);
  const chosen = useInspection((inspection) => inspection.walk);
  const walk = chosen ?? (pc === null ? null : ({ va: pc, access: 'execute' } as const));
  const [shape, setShape] = useState<Shape>('grid');
  const view = useView(vcpu === null || walk === null ? null : { view: 'walk', vcpu, ...walk });
  return (
    <Frame
      name="walk"
      bar={
        <>
          <TargetPicker />
          <AddressField
            label="VA"
            text={walk === null ? 'pc' : hex(walk.va)}
            bits={64}
            names={pc === null ? {} : { pc }}
            action="Walk"
            onGo={(va) => inspectStore.setState({ walk: { va, access: walk?.access ?? 'read' } })}
          />
          <Choice
            label="Access"
            value={walk?.access ?? 'execute'}
            options={ACCESSES}
            onChange={(access) => walk && inspectStore.setState({ walk: { va: walk.va, access } })}
          />
          <Toggle
            pressed={chosen === null}
            title="Walk the address of the next instruction"
            onChange={(follow) => inspectStore.setState({ walk: follow ? null : walk })}
          >
            Follow PC
          </Toggle>
          <Choice label="Shape" value={shape} options={SHAPES} onChange={setShape} />
        </>
      }
    >
      {vcpu === null ? (
        <NoWalk why="There is no vCPU yet." />
      ) : walk === null ? (
        <NoWalk why="The vCPU has not run yet." />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoWalk why={sentence(view.why)} />
      ) : (
        <Walk view={view} shape={shape} onMemory={(address) => showMemory('pa', address)} />
      )}
    </Frame>
  );
}

function NoWalk({ why }: { why: string }) {
  return (
    <Empty title={why}>
      Every read that the CPU makes to translate one virtual address appears here in order: the guest’s tables, and for
      each of them the walk of stage 2 that finds it. Type an address above, or let it follow the PC.
    </Empty>
  );
}

interface WalkProps {
  readonly view: WalkView;
  readonly shape: Shape;
  readonly onMemory: (pa: bigint) => void;
}

export function Walk({ view, shape, onMemory }: WalkProps) {
  const [selected, setSelected] = useState<number | null>(null);
  // Of all the reads one is in the tab order; arrow keys go to the others.
  const [reachable, setReachable] = useState(1);
  const groups = groupWalk(view.steps, view.va);
  const refusing = view.result.ok ? [] : view.result.refusing;
  const [attach, width] = useWidth();
  const longest = Math.max(1, ...groups.map(({ stage2, stage1 }) => stage2.length + (stage1 ? 1 : 0)));
  const columns = `repeat(${longest}, minmax(${CARD_WIDTH}px, 200px))`;
  const cards = width >= longest * (CARD_WIDTH + CARD_GAP);
  const step = selected === null ? undefined : view.steps[selected - 1];
  return (
    <div className="walk">
      <WalkResult view={view} reads={view.steps.length} />
      {shape === 'grid' && view.steps.length > 0 ? (
        <WalkGrid
          groups={groups}
          selected={selected}
          refusing={refusing}
          onSelect={(number) => setSelected(number === selected ? null : number)}
        />
      ) : (
        <ol
          ref={attach}
          className="walk-groups"
          aria-label="Reads of the walk"
          data-shape={cards ? 'cards' : 'list'}
          onKeyDown={(event) => {
            const reads = [...event.currentTarget.querySelectorAll('button')];
            const step = STEPS[event.key];
            if (step === undefined) return;
            event.preventDefault();
            reads[reads.findIndex((read) => read === event.target) + step]?.focus();
          }}
        >
          {groups.map((group, index) => (
            <li key={index} className="walk-group">
              <p className="walk-heading">{groupTitle(group)}</p>
              <ol className="walk-reads" style={cards ? { gridTemplateColumns: columns } : undefined}>
                {[...group.stage2, ...(group.stage1 ? [group.stage1] : [])].map((numbered) => (
                  <li key={numbered.number}>
                    <Read
                      numbered={numbered}
                      open={numbered.number === selected}
                      refuses={refusing.includes(numbered.number)}
                      inTabOrder={numbered.number === (reachable > view.steps.length ? 1 : reachable)}
                      onFocus={() => setReachable(numbered.number)}
                      onOpen={() => setSelected(numbered.number === selected ? null : numbered.number)}
                    />
                  </li>
                ))}
              </ol>
            </li>
          ))}
        </ol>
      )}
      {step && selected !== null ? (
        <Detail
          name="Selected read"
          title={
            <>
              Read {selected}: {stepName(step)} <span className="view-muted">at PA</span>{' '}
              <code>{hex(step.descriptorPa)}</code>
            </>
          }
          onMemory={() => onMemory(step.descriptorPa)}
          onClose={() => setSelected(null)}
        >
          <p>
            <code>{hex(step.value, 16)}</code> {step.kind}
          </p>
          <DescriptorBits value={step.value} fields={step.fields} />
        </Detail>
      ) : (
        <p className="view-foot view-muted" title="Since the host was switched on, for all of its guests">
          Select a read for the bits of its descriptor. {tlbText(view.tlb)}
        </p>
      )}
    </div>
  );
}

function WalkResult({ view, reads }: { view: WalkView; reads: number }) {
  const { result } = view;
  if (result.ok) {
    return (
      <div className="walk-result" data-ok="true">
        <p className="walk-route">
          <Place space="VA" address={view.va} /> <span aria-hidden="true">→</span>{' '}
          <Place space="IPA" address={result.ipa} /> <span aria-hidden="true">→</span>{' '}
          <Place space="PA" address={result.pa} />
        </p>
        <p>
          {result.meaning}
          <span className="view-muted"> · {plural(reads, 'read')}</span>
        </p>
      </div>
    );
  }
  return (
    <div className="walk-result" data-ok="false">
      <p className="walk-route">
        <Place space="VA" address={view.va} /> <span aria-hidden="true">→</span>{' '}
        <b className="walk-fault">{result.fault}</b>
      </p>
      <p>
        {result.message !== result.fault && sentence(result.message)}{' '}
        <span className="view-muted">{plural(reads, 'read')}</span>
      </p>
    </div>
  );
}

const total = (counts: TlbCounts['fills']) => counts.read + counts.write + counts.fetch;

/** What the CPU's TLBs had to be filled by: most misses never leave WebAssembly. */
function tlbText({ refills, fills, flushes }: TlbCounts): string {
  const flushed = [
    [flushes.all, 'of everything'],
    [flushes.space, 'of an address space'],
    [flushes.page, 'of a page'],
  ] as const;
  const flushTexts = flushed.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  return `TLB misses: ${total(refills)} walked in WebAssembly, ${total(fills)} in TypeScript; flushes: ${flushTexts.join(', ') || 'none'}.`;
}

function Place({ space, address }: { space: string; address: bigint }) {
  return (
    <span className="walk-place">
      <span className="view-muted">{space}</span> <code>{hex(address)}</code>
    </span>
  );
}

function groupTitle({ ipa, purpose, stage1 }: WalkGroup): string {
  const address = ipa === null ? '' : ` ${hex(ipa)}`;
  switch (purpose) {
    case 'descriptor':
      return `Stage 1${stage1 ? ` level ${stage1.step.level}` : ''}: descriptor at IPA${address}`;
    case 'result':
      return `What stage 1 found: IPA${address}`;
    case 'off':
      return `Stage 1 is off, the VA is the IPA${address}`;
  }
}

export function stepName({ stage, level, index }: WalkStep): string {
  return `stage ${stage} L${level}[${index}]`;
}

interface ReadProps {
  readonly numbered: NumberedStep;
  readonly open: boolean;
  readonly refuses: boolean;
  readonly inTabOrder: boolean;
  readonly onFocus: () => void;
  readonly onOpen: () => void;
}

/** One read of the walk, as a card. */
function Read({ numbered, open, refuses, inTabOrder, onFocus, onOpen }: ReadProps) {
  const { number, step } = numbered;
  const element = useInSight<HTMLButtonElement>(open);
  return (
    <button
      ref={element}
      type="button"
      className="walk-read"
      tabIndex={inTabOrder ? 0 : -1}
      onFocus={onFocus}
      data-stage={step.stage}
      data-kind={step.kind}
      data-refuses={refuses}
      aria-pressed={open}
      aria-label={`Read ${number}: ${stepName(step)} at PA ${hex(step.descriptorPa)}, ${hex(step.value)}, ${step.kind}${refuses ? ', refuses' : ''}`}
      onClick={onOpen}
    >
      <span className="walk-name">
        S{step.stage} L{step.level}[{step.index}]
      </span>
      <span className="walk-number">#{number}</span>
      <span className="walk-kind">{step.kind}</span>
      <span className="walk-address">{hex(step.descriptorPa)}</span>
      <span className="walk-value">{hex(step.value, 16)}</span>
    </button>
  );
}
