import type { Diagnostic } from '../../session/messages.ts';
import { goToLine } from '../go-to.ts';
import { Empty } from '../parts.tsx';
import { useProblems } from '../problems.ts';
import { prose } from '../prose.ts';
import { openPanel } from '../workbench.ts';
import './problems.css';

const SOURCES = { script: 'VMM script', guest: 'Guest', host: 'Host' } as const;

function show({ source, line, column }: Diagnostic): void {
  if (source === 'host') openPanel('host');
  else goToLine(source, line ?? 1, column);
}

/** What is wrong with script, guest and host as they stand in the editors. */
export function ProblemsPanel() {
  const diagnostics = useProblems();
  if (diagnostics.length === 0) {
    return (
      <Empty title="No problems">
        Errors in the script and in the guest’s assembly will be here, each with its line.
      </Empty>
    );
  }
  return (
    <ul className="scroll problems" aria-label="Problems">
      {diagnostics.map((diagnostic, index) => (
        <li key={index}>
          <button type="button" className="problem" onClick={() => show(diagnostic)}>
            <span className={`severity ${diagnostic.severity}`}>{diagnostic.severity}</span>
            <span className="problem-message">{prose(diagnostic.message)}</span>
            <span className="problem-place">
              {SOURCES[diagnostic.source]}
              {diagnostic.line === undefined ? '' : `, line ${diagnostic.line}`}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
