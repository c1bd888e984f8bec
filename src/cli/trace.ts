import { asTraced } from '../host/config.ts';
import { boot } from '../host/host.ts';
import { TraceFileError, parseTraces } from '../vmm/kvmtrace/parse.ts';
import type { Trace } from '../vmm/kvmtrace/parse.ts';
import { playTraces } from '../vmm/kvmtrace/run.ts';
import { Failure, note, print } from './command.ts';
import type { Command } from './command.ts';
import { readText } from './files.ts';
import { DEFAULT_HOST, hostNamed } from './hosts.ts';

/** A refusal with its rule and its operands. */
export interface Explained {
  readonly rule: string;
  readonly message: string;
  readonly kernel: string;
}

export const explanation = ({ rule, message, kernel }: Explained): string => `${message} [${rule}, ${kernel}]`;

/** The traces of a file. @throws Failure where it is none. */
export function readTraces(path: string): readonly Trace[] {
  try {
    return parseTraces(readText(path));
  } catch (error) {
    if (error instanceof TraceFileError) throw new Failure(`${path}: ${error.message}`);
    throw error;
  }
}

export const trace: Command = {
  name: 'trace',
  usage: 'FILE [--host NAME] [--explain] [--architecture]',
  summary: `plays a .kvmtrace file (or .gz) and prints the answers in the format's lines; host ${DEFAULT_HOST} by default.
Hosts are as they were recorded, on the CPU that QEMU 7.2 emulates; --architecture takes the architecture's instead.
--explain adds the rule behind each refusal, as comment lines`,
  options: { host: { type: 'string' }, explain: { type: 'boolean' }, architecture: { type: 'boolean' } },
  words: { least: 1, most: 1 },
  run: (given) => {
    const preset = hostNamed(given.text('host'));
    const [path = ''] = given.positionals;
    const traces = readTraces(path);
    const config = given.flag('architecture') ? preset.config : asTraced(preset.config);
    playTraces(traces, boot(config), {
      print,
      problem: (line, message) => note(`${path}:${line ?? 0}: ${message}`),
      ...(given.flag('explain') && {
        refused: (refusal: Explained) => print(`# ${explanation(refusal)}`),
      }),
    });
    return Promise.resolve(0);
  },
};
