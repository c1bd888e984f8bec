/** The declarations a script is written against, made from the same tables as its global scope, for an editor's type checker. */
import type { Shown } from '../../abi/layout.ts';
import { SCRIPT_CONSTANTS, SCRIPT_REGISTERS, SCRIPT_REQUESTS, SCRIPT_STRUCTS } from './api.ts';
import type { ScriptMember, ScriptRequest, ScriptStruct, Shape } from './api.ts';
import DECLARATIONS from './declarations.txt?raw';

const NUMBERS = new Set(['u8', 's8', 'char', 'u16', 's16', 'u32', 's32']);

/** A structure's name as a type: `kvm_run.mmio` is no identifier. */
const typeName = (name: string): string => name.replaceAll('.', '_');

function readType(type: Shape): string {
  if (typeof type === 'string') return NUMBERS.has(type) ? 'number' : 'bigint';
  if ('struct' in type) return typeName(type.struct.name);
  if (type.of === 'u8' || type.of === 'char') return 'Bytes';
  return `Elements<${readType(type.of)}>`;
}

function writeType(type: Shape): string {
  if (typeof type === 'string') return 'Integer';
  if ('struct' in type) return `Members<${readType(type)}>`;
  if (type.of === 'u8' || type.of === 'char') return 'Bytes | Uint8Array | readonly number[] | string';
  return typeof type.of === 'string' ? 'readonly Integer[]' : `readonly Members<${readType(type.of)}>[]`;
}

const scalarName = (type: Shape): string => {
  if (typeof type === 'string') return type;
  return 'struct' in type ? `struct ${type.struct.name}` : `${scalarName(type.of)}[${type.count || ''}]`;
};

function shownText(shown: Shown | undefined): string {
  if (shown === 'size') return ', in bytes';
  if (shown === 'padding') return ', must be 0';
  if (typeof shown !== 'object') return '';
  const names = (values: object, most: number): string => {
    const all = Object.keys(values);
    return all.length > most ? `${all.slice(0, most).join(', ')}, …` : all.join(', ');
  };
  if ('flags' in shown) return `: flags ${names(shown.flags, 12)}`;
  if ('values' in shown) return `: ${names(shown.values, 12)}`;
  return 'bits' in shown ? `: bits ${names(shown.bits, 12)}` : '';
}

function memberText(member: ScriptMember): string {
  const doc = `/** ${scalarName(member.type)} at offset ${member.offset}${shownText(member.shown)} */`;
  const name = member.name;
  return `  ${doc}\n  get ${name}(): ${readType(member.type)};\n  set ${name}(value: ${writeType(member.type)});`;
}

function structText(struct: ScriptStruct): string {
  const name = typeName(struct.name);
  return `/** struct ${struct.name}: ${struct.size} bytes */\ninterface ${name} {\n${struct.members.map(memberText).join('\n')}\n}`;
}

/** What `ioctl` takes as its argument for the request. */
function argumentType({ row, struct }: ScriptRequest): string {
  if (struct) return `Pointer<${typeName(struct.name)}>`;
  return row.arg === 'none' ? 'void' : 'Integer';
}

function requestText(request: ScriptRequest): string {
  const { row, struct } = request;
  const arg = struct ? `struct ${struct.name}${row.dir === 'read' ? ', written by the kernel' : ''}` : row.arg;
  const capability = row.capability ? `; ${row.capability}` : '';
  return (
    `/** ioctl of a ${row.on.join(' or ')} descriptor; argument: ${arg}${capability} */\n` +
    `declare const ${row.name}: Request<${argumentType(request)}>;`
  );
}

function constantsText(): string {
  const seen = new Set<string>(SCRIPT_REQUESTS.map(({ row }) => row.name));
  const lines: string[] = [];
  for (const { title, constants } of SCRIPT_CONSTANTS) {
    for (const { name, value } of constants) {
      if (seen.has(name)) continue;
      seen.add(name);
      const literal = typeof value === 'bigint' ? `0x${value.toString(16)}n` : `${value}`;
      lines.push(`/** ${title} */`, `declare const ${name}: ${literal};`);
    }
  }
  return lines.join('\n');
}

/** TypeScript declarations of everything that a script finds in its global scope. */
export const scriptTypes: string = [
  DECLARATIONS,
  `/** Structures by their names in C. */\ninterface Structs {\n${SCRIPT_STRUCTS.map(({ name }) => `  '${name}': ${typeName(name)};`).join('\n')}\n}`,
  `/** Registers of KVM_GET_ONE_REG and KVM_SET_ONE_REG by name. */\ntype RegisterName = ${[...SCRIPT_REGISTERS.keys()].map((name) => `'${name}'`).join(' | ')};`,
  ...SCRIPT_STRUCTS.map(structText),
  ...SCRIPT_REQUESTS.map(requestText),
  constantsText(),
].join('\n\n');
