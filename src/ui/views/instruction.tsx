import { useState } from 'react';
import type { InstructionView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { inspectStore, useInspection } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { sentence } from './format.ts';
import { Frame, Waiting } from './frame.tsx';
import './instruction.css';

export function InstructionPanel() {
  const chosen = useInspection((inspection) => inspection.instruction);
  const [text, setText] = useState('');
  const page = useView(chosen === null ? null : { view: 'instruction', ...chosen });
  const list = useView(text.trim() === '' ? null : { view: 'instructions', text });
  return (
    <Frame
      name="instruction"
      bar={
        <input
          type="search"
          className="view-filter"
          aria-label="Find instructions"
          placeholder="Find by mnemonic, alias or extension: ldadd, cset, FEAT_LSE"
          spellCheck={false}
          maxLength={200}
          data-autofocus
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      }
    >
      {text.trim() !== '' ? (
        list?.view === 'instructions' ? (
          <Found
            list={list}
            onChoose={(word) => {
              setText('');
              inspectStore.setState({ instruction: { word, address: 0n } });
            }}
          />
        ) : (
          <Waiting />
        )
      ) : chosen === null ? (
        <Empty title="No instruction is chosen.">
          Double-click an instruction in Disassembly, or press ? on it, for its encoding, its operands and what it does.
          The field above searches the instruction table.
        </Empty>
      ) : page === null ? (
        <Waiting />
      ) : page.view === 'instruction' ? (
        <Instruction page={page} />
      ) : (
        page.view === 'nothing' && (
          <Empty title={sentence(page.why)}>Choose another one in Disassembly, or search.</Empty>
        )
      )}
    </Frame>
  );
}

function Found({
  list,
  onChoose,
}: {
  list: { readonly found: readonly { name: string; syntax: string; word: number }[]; readonly total: number };
  onChoose: (word: number) => void;
}) {
  if (list.total === 0)
    return <p className="view-note">No instruction has all of that in its name, syntax or extension.</p>;
  return (
    <>
      <ul className="instruction-found" aria-label="Instructions">
        {list.found.map(({ name, syntax, word }) => (
          <li key={name}>
            <button type="button" className="view-link" onClick={() => onChoose(word)}>
              {name}
            </button>
            <code>{syntax}</code>
          </li>
        ))}
      </ul>
      {list.found.length < list.total && (
        <p className="view-note">
          The first {list.found.length} of {list.total}.
        </p>
      )}
    </>
  );
}

export function Instruction({ page }: { page: InstructionView }) {
  const { name, word, text, encoding, syntax, aliases, features, operands, flow, transfer, semantics } = page;
  return (
    <article className="instruction">
      <h3>{name}</h3>
      <p className="instruction-text">
        <code>{text.replaceAll('\t', ' ')}</code> <span className="view-muted">{hex(word, 8)}</span>
      </p>
      <div className="instruction-encoding" role="img" aria-label={`Encoding: ${encodingText(encoding)}`}>
        {encoding.map(({ hi, lo, field, bits, ignored }) => (
          <div
            key={hi}
            className="instruction-cell"
            data-kind={field === null ? 'fixed' : 'field'}
            style={{ flexGrow: bits.length }}
            title={`${field ?? (ignored ? 'ignored' : 'fixed')} [${hi === lo ? hi : `${hi}:${lo}`}] = ${bits}`}
          >
            <span className="instruction-numbers">
              <span>{hi}</span>
              {lo < hi && <span>{lo}</span>}
            </span>
            <span className="instruction-bits">{ignored ? `(${bits})` : bits}</span>
            <span className="instruction-field">{field ?? ''}</span>
          </div>
        ))}
      </div>
      <h4>What it does</h4>
      {semantics === null ? (
        <p className="instruction-absent">
          This engine does not execute it: it is UNDEFINED here, and the ID registers say so.
        </p>
      ) : (
        <pre tabIndex={0} aria-label="Semantics">
          {semantics.join('\n')}
        </pre>
      )}
      <dl>
        <dt>Syntax</dt>
        <dd>
          {[syntax, ...aliases].map((template, index) => (
            <div key={template}>
              <code>{template}</code>
              {index > 0 && <span className="view-muted"> preferred alias</span>}
            </div>
          ))}
        </dd>
        {features.length > 0 && (
          <>
            <dt>Needs</dt>
            <dd>
              {features.map(({ name: feature, present }) => (
                <div key={feature}>
                  {feature}
                  <span className={present ? 'view-muted' : 'instruction-absent'}>
                    {present ? ', which this host’s CPU has' : ', which this host’s CPU lacks: UNDEFINED'}
                  </span>
                </div>
              ))}
            </dd>
          </>
        )}
        {operands.length > 0 && (
          <>
            <dt>Operands</dt>
            <dd>
              {operands.map((operand) => (
                <div key={operand.name}>
                  <code>
                    {operand.name} = {operand.value}
                  </code>
                  {operand.written && <span className="view-muted"> written</span>}
                </div>
              ))}
            </dd>
          </>
        )}
        {transfer !== null && (
          <>
            <dt>Memory</dt>
            <dd>{transfer}</dd>
          </>
        )}
        <dt>Then</dt>
        <dd>{flow}</dd>
      </dl>
    </article>
  );
}

function encodingText(encoding: InstructionView['encoding']): string {
  return encoding.map(({ field, bits }) => (field === null ? bits : `${field} ${bits}`)).join(', ');
}
