import { basename, extname } from 'node:path';
import type { DecodedStruct, Diagnostic, Event, IoctlEntry, Sandbox } from '../session/messages.ts';
import { note } from './command.ts';
import type { Command } from './command.ts';
import { drive } from './drive.ts';
import { readFile, readText } from './files.ts';
import { DEFAULT_HOST, hostNamed } from './hosts.ts';
import { stage2EventLines } from './stage2-events.ts';

const place = ({ line, column }: Diagnostic): string =>
  line === undefined ? '' : `:${line}${column === undefined ? '' : `:${column}`}`;

const members = (of: DecodedStruct): string =>
  `{${of.fields.map((field) => `${field.name}=${field.text}`).join(', ')}}`;

/** One finished ioctl as strace would write it, with the rule behind a refusal. */
function ioctlText({ fd, name, request, argText, argStruct, result }: IoctlEntry): string {
  const argument = argStruct ? members(argStruct) : argText;
  const call = `ioctl(${[fd, name ?? `0x${request.toString(16)}`, argument].filter((part) => part !== '').join(', ')})`;
  if (!result) return call;
  if (result.errno !== null) {
    const { explanation } = result;
    const why = explanation ? `: ${explanation.message} [${explanation.rule}, ${explanation.kernel}]` : '';
    return `${call} = -1 ${result.errno}${why}`;
  }
  const more = [result.exitText, result.outStruct && members(result.outStruct)].filter((part) => part !== null);
  return [`${call} = ${result.ret}`, ...more].join(' ');
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** The guest of a sandbox from a file: an ELF by its first bytes or its name, else assembly. */
function guestFrom(path: string): Pick<Sandbox, 'guest' | 'elf'> {
  const bytes = readFile(path);
  const isElf = extname(path) === '.elf' || ELF_MAGIC.every((byte, i) => bytes[i] === byte);
  return isElf
    ? { guest: '', elf: { name: basename(path), base64: Buffer.from(bytes).toString('base64') } }
    : { guest: new TextDecoder().decode(bytes) };
}

export const run: Command = {
  name: 'run',
  usage: 'SCRIPT.ts [--guest FILE] [--host NAME] [--log] [--stage2-events]',
  summary: `runs a VMM script on a host (${DEFAULT_HOST} by default); what it and the guest print goes to stdout.
--guest gives it a guest program, A64 assembly or a linked ELF; --log writes every ioctl to stderr, --stage2-events at the end
what KVM did to the stage 2 tables; status 1 where the script fails`,
  options: {
    guest: { type: 'string' },
    host: { type: 'string' },
    log: { type: 'boolean' },
    'stage2-events': { type: 'boolean' },
  },
  words: { least: 1, most: 1 },
  run: async (given) => {
    const [scriptFile = ''] = given.positionals;
    const guestFile = given.text('guest');
    const files = { script: scriptFile, guest: guestFile ?? 'guest', host: 'host' };
    const sandbox = {
      host: hostNamed(given.text('host')).config,
      script: readText(scriptFile),
      ...(guestFile === null ? { guest: '' } : guestFrom(guestFile)),
    };
    let said = false;
    const emit = (event: Event): void => {
      if (event.type === 'output') process.stdout.write(event.text);
      else if (event.type === 'diagnostics') {
        for (const one of event.diagnostics) {
          note(`${files[one.source]}${place(one)}: ${one.severity}: ${one.message}`);
          said ||= one.severity === 'error';
        }
      } else if (event.type === 'ioctls' && given.flag('log')) {
        for (const entry of event.entries) if (entry.result) note(ioctlText(entry));
      }
    };
    const status = await drive(sandbox, emit, (end, ask) => {
      if (given.flag('stage2-events')) for (const line of stage2EventLines(end, ask)) note(line);
    });
    if (status.state === 'finished') return 0;
    if (!said) note(`stage2 run: ${status.message ?? `the program did not come to its end: ${status.state}`}`);
    return 1;
  },
};
