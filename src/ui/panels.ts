import type { ComponentType } from 'react';
import { ConsolePanel } from './console/console-panel.tsx';
import { GuestPanel } from './editors/guest-panel.tsx';
import { ScriptPanel } from './editors/script-panel.tsx';
import { IoctlPanel } from './log/ioctl-panel.tsx';
import { BootLogPanel } from './panels/boot-log.tsx';
import { HostPanel } from './panels/host.tsx';
import { LabPanel } from './panels/lab.tsx';
import { OutputPanel } from './panels/output.tsx';
import { ProblemsPanel } from './panels/problems.tsx';
import { CalculatorPanel } from './views/calculator.tsx';
import { DisassemblyPanel } from './views/disassembly.tsx';
import { InstructionPanel } from './views/instruction.tsx';
import { MatrixPanel } from './matrix/matrix-panel.tsx';
import { MemoryMapPanel } from './views/memory-map.tsx';
import { MemoryPanel } from './views/memory.tsx';
import { RegistersPanel } from './views/registers.tsx';
import { Stage2EventsPanel } from './views/stage2-events.tsx';
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
  /** Its first drawing takes longer than a frame: it is laid out before it is first seen. */
  readonly laidOut?: true;
}

/** Every panel of the workbench, in the order of its tabs and of Alt+1 to Alt+9. */
export const PANELS: Readonly<Record<PanelId, Panel>> = {
  labs: { title: 'Lab', component: LabPanel, place: 'left', about: 'What to do and what to look at' },
  script: {
    title: 'VMM script',
    component: ScriptPanel,
    place: 'centre',
    about: 'The program that makes the ioctls',
    laidOut: true,
  },
  guest: { title: 'Guest', component: GuestPanel, place: 'centre', about: 'The guest’s A64 assembly', laidOut: true },
  matrix: {
    title: 'Boot matrix',
    component: MatrixPanel,
    place: 'centre',
    about: 'Every combination of hardware, host kernel and guest kernel that the LPA2 series was tested with',
  },
  registers: {
    title: 'Registers',
    component: RegistersPanel,
    place: 'right-top',
    about: 'Registers of the vCPU and what changed',
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
  calculator: {
    title: 'Calculator',
    component: CalculatorPanel,
    place: 'right-bottom',
    about: 'Levels, tables and VTCR_EL2 or TCR_EL1 of an address size, without a VM',
  },
  memory: { title: 'Memory', component: MemoryPanel, place: 'right-bottom', about: 'Bytes by VA, IPA, PA or HVA' },
  ioctls: {
    title: 'Ioctls',
    component: IoctlPanel,
    place: 'bottom',
    about: 'Every call, its arguments and its answer',
  },
  console: { title: 'Console', component: ConsolePanel, place: 'bottom', about: 'The guest’s console' },
  output: { title: 'Output', component: OutputPanel, place: 'bottom', about: 'What the script printed, and its end' },
  problems: { title: 'Problems', component: ProblemsPanel, place: 'bottom', about: 'Errors in script and guest' },
  bootlog: {
    title: 'Boot log',
    component: BootLogPanel,
    place: 'bottom',
    about: 'What the host’s kernel said, and why',
  },
  host: { title: 'Host', component: HostPanel, place: 'left', about: 'CPU, kernel configuration and RAM' },
  instruction: {
    title: 'Instruction',
    component: InstructionPanel,
    place: 'right-top',
    about: 'What an instruction is: encoding, syntax, operands, semantics',
  },
  'memory-map': {
    title: 'Memory map',
    component: MemoryMapPanel,
    place: 'right-top',
    about: 'Memory slots and devices in the IPA space',
  },
  'stage2-events': {
    title: 'Stage 2 events',
    component: Stage2EventsPanel,
    place: 'bottom',
    about: 'What KVM did to the stage 2 tables, why, and with which TLB maintenance',
  },
};

const isPanelId = (id: string): id is PanelId => id in PANELS;

export const PANEL_ORDER: readonly PanelId[] = Object.keys(PANELS).filter(isPanelId);
