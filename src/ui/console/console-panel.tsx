import { useEffect, useRef, useState } from 'react';
import { Empty } from '../parts.tsx';
import { useSandbox } from '../store.ts';
import './console.css';

/** The guest's console; what is typed here goes to the VMM. */
export function ConsolePanel() {
  const element = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  const silent = useSandbox((state) => state.console.text === '' && state.console.dropped === 0);
  useEffect(() => {
    let ended = false;
    let unmount: (() => void) | null = null;
    import('./mount.ts').then(
      ({ mountConsole }) => {
        if (!ended && element.current) unmount = mountConsole(element.current);
      },
      () => setFailed(true),
    );
    return () => {
      ended = true;
      unmount?.();
    };
  }, []);
  return (
    <div className="console">
      <div className="console-terminal" ref={element} />
      {failed ? <PlainConsole /> : null}
      {silent ? (
        <div className="console-hint">
          <Empty title="The guest has written nothing yet">
            What the script passes on with <code>uart.write</code> appears here; what you type, it gets from{' '}
            <code>uart.read</code>.
          </Empty>
        </div>
      ) : null}
    </div>
  );
}

/** The console's text where the terminal could not be loaded. */
function PlainConsole() {
  const text = useSandbox((state) => state.console.text);
  return (
    <pre className="console-plain" tabIndex={0}>
      {text}
    </pre>
  );
}
