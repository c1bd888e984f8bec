import type { ComponentType } from 'react';
import { DisassemblyPanel } from './views/disassembly.tsx';
import { MemoryMapPanel } from './views/memory-map.tsx';
import { MemoryPanel } from './views/memory.tsx';
import { RegistersPanel } from './views/registers.tsx';
import { TablesPanel } from './views/tables.tsx';
import { WalkPanel } from './views/walk.tsx';
import type { PanelId } from './workbench.ts';

/** The groups of the default layout. */
export type Place = 'left' | 'centre' | 'right-top' | 'right-bottom' | 'bottom';

export interface Panel {
  readonly title: string;
  readonly component: ComponentType;
  readonly place: Place;
  /** What it shows, for the palette and the help. */
  readonly about: string;
}

/** Every panel of the workbench, in the order of its tabs. */
export const PANELS: Readonly<Partial<Record<PanelId, Panel>>> = {
  registers: {
    title: 'Registers',
    component: RegistersPanel,
    place: 'right-top',
    about: 'Registers of the vCPU and what changed',
  },
  'memory-map': {
    title: 'Memory map',
    component: MemoryMapPanel,
    place: 'right-top',
    about: 'Memory slots and devices in the IPA space',
  },
  disassembly: {
    title: 'Disassembly',
    component: DisassemblyPanel,
    place: 'right-bottom',
    about: 'Guest instructions around the PC',
  },
  tables: {
    title: 'Page tables',
    component: TablesPanel,
    place: 'right-bottom',
    about: 'Stage 1 and stage 2 tables as trees',
  },
  walk: {
    title: 'Walk',
    component: WalkPanel,
    place: 'right-bottom',
    about: 'Every read of one address translation',
  },
  memory: {
    title: 'Memory',
    component: MemoryPanel,
    place: 'right-bottom',
    about: 'Bytes by VA, IPA, PA or HVA',
  },
};
