import { LABS, labByName } from '../labs/index.ts';
import { runChecked } from '../session/checked.ts';
import { UsageError, print, table } from './command.ts';
import type { Command } from './command.ts';

const indented = (text: string): string => text.trimEnd().replace(/^/gm, '  | ');

export const lab: Command = {
  name: 'lab',
  usage: 'NAME | --list',
  summary: 'runs a guided example and checks what must be seen in it; status 1 where something is not seen',
  options: { list: { type: 'boolean' } },
  words: { least: 0, most: 1 },
  run: async (given) => {
    const [name] = given.positionals;
    if (given.flag('list')) {
      if (name !== undefined) throw new UsageError('--list takes no NAME');
      for (const line of table(LABS.map((one) => [one.name, one.summary]))) print(line);
      return 0;
    }
    if (name === undefined) throw new UsageError('NAME is missing; --list tells which there are');
    const found = labByName(name);
    if (!found) {
      throw new UsageError(`there is no lab "${name}"; there are ${LABS.map((one) => one.name).join(', ')}`);
    }
    const result = await runChecked(found);
    print(`${found.title}: ${result.end}, ${result.instructions} guest instructions`);
    if (result.script !== '') print(`the script printed\n${indented(result.script)}`);
    if (result.console !== '') print(`the guest printed\n${indented(result.console)}`);
    for (const { ok, text, seen } of result.checks) print(ok ? `ok    ${text}` : `FAIL  ${text}\n      seen: ${seen}`);
    return result.passed ? 0 : 1;
  },
};
