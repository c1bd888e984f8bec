/** The prelude's files as QuickJS loads them, by the names that they import each other with. */
import calls from './prelude/calls.ts?raw';
import errors from './prelude/errors.ts?raw';
import files from './prelude/files.ts?raw';
import host from './prelude/host.ts?raw';
import main from './prelude/main.ts?raw';
import memory from './prelude/memory.ts?raw';
import output from './prelude/output.ts?raw';
import scalars from './prelude/scalars.ts?raw';
import structs from './prelude/structs.ts?raw';
import { stripTypes } from './strip.ts';

const SOURCES: Readonly<Record<string, string>> = {
  './calls.ts': calls,
  './errors.ts': errors,
  './files.ts': files,
  './host.ts': host,
  './main.ts': main,
  './memory.ts': memory,
  './output.ts': output,
  './scalars.ts': scalars,
  './structs.ts': structs,
};

export const PRELUDE_MAIN = './main.ts';

const stripped = new Map<string, string>();

/** A file without its types; null where there is none of that name. */
export function preludeModule(name: string): string | null {
  const source = Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined;
  if (source === undefined) return null;
  let code = stripped.get(name);
  if (code === undefined) {
    const result = stripTypes(source);
    if (!result.ok) throw new Error(`${name}: ${result.problem.message}`);
    stripped.set(name, (code = result.code));
  }
  return code;
}
