import { NATIVE } from '../../isa/native.ts';
import { Code } from './code.ts';
import { encodeModule } from './module.ts';
import { F64 } from './opcodes.ts';

let known: boolean | undefined;

/** Relaxed multiply-adds are there and round once: asked of one whose result is 0 where they round twice. */
export function fusesMultiplyAdd(): boolean {
  known ??= probe();
  return known;
}

function probe(): boolean {
  const code = new Code();
  for (const operand of [0, 1, 2]) {
    code.get(operand);
    code.followed(NATIVE['f64x2.splat'][0], []);
  }
  code.followed(NATIVE['f64x2.relaxed_madd'][0], []);
  code.followed(NATIVE['f64x2.extract_lane'][0], [0]);
  const bytes = encodeModule([{ parameters: [F64, F64, F64], results: [F64], locals: [], code, export: 'probe' }]);
  if (!WebAssembly.validate(bytes)) return false;
  const imports = { engine: { memory: new WebAssembly.Memory({ initial: 1 }) } };
  const { probe: run } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports;
  const tiny = 2 ** -30;
  return typeof run === 'function' && run(1 + tiny, 1 - tiny, -1) === -tiny * tiny;
}
