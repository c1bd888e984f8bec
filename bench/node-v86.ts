/** A process that is v86's target: V86.WASM and IMAGE in, checksum out. */
import { readFileSync } from 'node:fs';
import { V86 } from 'v86';

const [wasm = '', image = ''] = process.argv.slice(2);
const emulator = new V86({
  wasm_path: wasm,
  memory_size: 160 << 20,
  vga_memory_size: 2 << 20,
  multiboot: { buffer: new Uint8Array(readFileSync(image)).buffer },
  disable_keyboard: true,
  disable_mouse: true,
  disable_speaker: true,
  autostart: true,
});
let line = '';
emulator.add_listener('serial0-output-byte', (byte) => {
  if (byte !== 10) line += String.fromCharCode(byte);
  else {
    console.log(line);
    process.exit(0);
  }
});
