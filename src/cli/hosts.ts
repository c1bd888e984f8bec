import { HOST_PRESETS } from '../host/config.ts';
import type { HostPreset } from '../host/config.ts';
import { UsageError, print, table } from './command.ts';
import type { Command } from './command.ts';

export const DEFAULT_HOST = 'max-4k';

/** A host by its name. @throws UsageError that names those there are. */
export function hostNamed(name: string | null): HostPreset {
  const found = HOST_PRESETS.find((preset) => preset.name === (name ?? DEFAULT_HOST));
  if (found) return found;
  throw new UsageError(`there is no host "${name}"; there are ${HOST_PRESETS.map((preset) => preset.name).join(', ')}`);
}

export const hosts: Command = {
  name: 'hosts',
  usage: '',
  summary: 'the hosts there are',
  options: {},
  words: { least: 0, most: 0 },
  run: () => {
    for (const line of table(HOST_PRESETS.map(({ name, title }) => [name, title]))) print(line);
    return Promise.resolve(0);
  },
};
