import { asRecorded, HOST_PRESETS, type HostConfig } from '../../host/config.ts';

/** Configurations that were recorded and have no preset of the same name, as what they change of one. */
const VARIANTS: Readonly<Record<string, { readonly of: string; readonly change: Partial<HostConfig> }>> = {
  'max-4k-vhe': { of: 'max-4k', change: {} },
  'max-4k-nvhe': { of: 'max-4k', change: { mode: 'nvhe' } },
  'max-16k-vhe': { of: 'max-16k', change: {} },
  'max-16k-lpa2off': { of: 'max-16k', change: { lpa2: false } },
  'max-4k-gicv2': { of: 'max-4k', change: { gic: 'v2' } },
  'max-4k-mte': { of: 'max-4k', change: {} },
};

/** The configuration of a recorded host by its file's name, or null for one that is not known. */
export function recordedHost(name: string): HostConfig | null {
  const variant = VARIANTS[name];
  const preset = HOST_PRESETS.find((each) => each.name === (variant?.of ?? name));
  return preset ? asRecorded({ ...preset.config, ...variant?.change }) : null;
}
