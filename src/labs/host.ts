import type { HostConfig } from '../session/messages.ts';

/** The host of labs that need nothing special of it: LPA2, 4K pages, VHE, 128 MiB. */
export const USUAL_HOST: HostConfig = {
  cpu: 'max',
  pageSize: 4096,
  mode: 'vhe',
  ram: [{ base: 0x4000_0000n, size: 0x0800_0000n }],
};
