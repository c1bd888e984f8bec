import { Empty, Keys } from '../parts.tsx';
import { prose } from '../prose.ts';
import { useSandbox } from '../store.ts';
import './boot-log.css';

/** What the host's kernel said while it booted; under a line about KVM, the rule behind it. */
export function BootLogPanel() {
  const lines = useSandbox((state) => state.bootlog);
  if (lines.length === 0) {
    return (
      <Empty title="The host has not booted">
        <Keys keys="F5" /> boots it and runs the script; <Keys keys="Ctrl+Shift+F5" /> boots it alone.
      </Empty>
    );
  }
  return (
    <ol className="scroll bootlog" aria-label="Boot log" tabIndex={0} data-autofocus>
      {lines.map((line, index) => (
        <li key={index}>
          <span className="boot-time">[{line.time.toFixed(6).padStart(12)}]</span>
          <span className="boot-text">{line.text}</span>
          {line.because ? <span className="boot-because">{prose(line.because)}</span> : null}
        </li>
      ))}
    </ol>
  );
}
