import { useRef } from 'react';
import { notify } from '../store.ts';
import { edit, useWorkspace } from '../workspace.ts';
import { CodeEditor } from './code-editor.tsx';

/** The worker refuses larger files. */
const MOST_BYTES = 16 << 20;

async function takeFile(file: File): Promise<void> {
  if (file.size > MOST_BYTES) {
    notify(`${file.name} has ${file.size} bytes; a guest may have ${MOST_BYTES}`, 'error');
    return;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  edit({ elf: { name: file.name, base64: btoa(binary) } });
}

export function GuestPanel() {
  const elf = useWorkspace((workspace) => workspace.draft.elf);
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="guest">
      <div className="bar">
        <span className="bar-note" role="note">
          {elf ? (
            <>
              The guest is <strong>{elf.name}</strong>, not this assembly
            </>
          ) : (
            'A64 assembly for 0x40000000'
          )}
        </span>
        {elf ? (
          <button type="button" className="button small" onClick={() => edit({ elf: null })}>
            Use the assembly
          </button>
        ) : null}
        <button
          type="button"
          className="button small"
          title="A linked AArch64 ELF as the guest: the script finds its bytes, entry point and symbols in `guest`"
          onClick={() => input.current?.click()}
        >
          ELF file…
        </button>
        <input
          ref={input}
          type="file"
          hidden
          aria-label="ELF file of the guest"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = '';
            if (file) void takeFile(file).catch((error: unknown) => notify(`${file.name}: ${String(error)}`, 'error'));
          }}
        />
      </div>
      <CodeEditor name="guest" label="Guest assembly" />
    </div>
  );
}
