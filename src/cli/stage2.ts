import { parseArgs } from 'node:util';
import { Failure, UsageError, note, print } from './command.ts';
import type { Arguments, Command } from './command.ts';
import { conformance } from './conformance.ts';
import { hosts } from './hosts.ts';
import { lab } from './lab.ts';
import { matrix } from './matrix.ts';
import { run } from './run.ts';
import { trace } from './trace.ts';

const COMMANDS: readonly Command[] = [trace, conformance, lab, matrix, run, hosts];

const indent = (text: string): string => text.replace(/^/gm, '      ');

const usage = (commands: readonly Command[]): string =>
  commands.map((command) => `  stage2 ${command.name} ${command.usage}\n${indent(command.summary)}`).join('\n');

const help = (): string => `stage2: an ARM64 host with KVM, without a page\n\n${usage(COMMANDS)}\n\n  stage2 --help`;

/** The command's arguments. @throws UsageError */
function argumentsOf(command: Command, words: readonly string[]): Arguments {
  let parsed;
  try {
    parsed = parseArgs({ args: [...words], options: command.options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (positionals.length < command.words.least) throw new UsageError(`${command.name} wants ${command.usage}`);
  if (positionals.length > command.words.most) {
    throw new UsageError(`"${positionals[command.words.most]}" is one word too many`);
  }
  const texts = (name: string): string[] =>
    [values[name]].flat().filter((value): value is string => typeof value === 'string');
  return { positionals, text: (name) => texts(name).at(-1) ?? null, texts, flag: (name) => values[name] === true };
}

/** Runs a command line without its program's name; the exit status. */
export async function stage2(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  if (name === '--help' || name === '-h' || name === 'help') {
    print(help());
    return 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (!command) {
    note(name === undefined ? help() : `stage2: there is no command "${name}"\n\n${help()}`);
    return 2;
  }
  if (rest.includes('--help')) {
    print(usage([command]));
    return 0;
  }
  try {
    return await command.run(argumentsOf(command, rest));
  } catch (error) {
    if (error instanceof UsageError) {
      note(`stage2 ${command.name}: ${error.message}\n\n${usage([command])}`);
      return 2;
    }
    if (error instanceof Failure) {
      note(`stage2 ${command.name}: ${error.message}`);
      return 1;
    }
    throw error;
  }
}
