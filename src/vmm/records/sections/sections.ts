import { caps } from './caps.ts';
import { createvm } from './createvm.ts';
import { enablecap } from './enablecap.ts';
import { env } from './env.ts';
import { fw } from './fw.ts';
import { guest } from './guest.ts';
import { init } from './init.ts';
import { ioctls } from './ioctls.ts';
import { memslot } from './memslot.ts';
import { reglist } from './reglist.ts';
import { regmut } from './regmut.ts';
import { misc } from './misc.ts';
import { psci } from './psci.ts';
import type { Section } from './section.ts';
import { sysreg } from './sysreg.ts';
import { vcpu } from './vcpu.ts';

/** The sections that are understood; records of others are left out. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  env,
  caps,
  createvm,
  memslot,
  vcpu,
  init,
  fw,
  enablecap,
  ioctls,
  reglist,
  regmut,
  psci,
  guest,
  misc,
  sysreg,
};
