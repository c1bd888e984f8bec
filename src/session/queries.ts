/** What a page can ask of a sandbox, and what it answers: the views of the messages. */
import type { Operation as Stage2Operation, Reason as Stage2Reason } from '../kvm/stage2/events.ts';

export type { Operation as Stage2Operation, Reason as Stage2Reason } from '../kvm/stage2/events.ts';

/** va: the vCPU's stage 1 and 2; ipa: its VM's stage 2; pa: the host's physical memory; hva: the VMM process. */
export type AddressSpace = 'va' | 'ipa' | 'pa' | 'hva';

/** Whose tables: a vCPU's stage 1 or a VM's stage 2. */
export type TablesOwner = { readonly stage: 1; readonly vcpu: number } | { readonly stage: 2; readonly vm: number };

/** What a change is against: the stop before, or the moment that `keepTables` kept if there is one. */
export type Since = 'stop' | 'kept';

/** A row of the trees: by its id, by its number, or the lowest one that translates an input address. */
export type RowRef = { readonly id: string } | { readonly index: number } | { readonly input: bigint };

/** The rows of trees, and which of them are wanted. */
export interface TablesShown {
  /** Number of the first row, from 0, and how many. */
  readonly from: number;
  readonly count: number;
  /** All tables are open; absent: the roots. */
  readonly openAll?: boolean;
  /** Addresses of tables that are open, and of those that are not, all the same. */
  readonly opened?: readonly bigint[];
  readonly closed?: readonly bigint[];
  /** The tables on the way to that input address are open. */
  readonly toward?: bigint;
  /** Neighbouring blocks or pages that map as one are one row; absent: no. */
  readonly merge?: boolean;
  /** Addresses of first entries of such runs whose single entries are rows, too. */
  readonly runs?: readonly bigint[];
  /** Changed entries alone, and the tables above them, all open; absent: no. */
  readonly onlyChanged?: boolean;
  /** Absent: 'stop'. */
  readonly since?: Since;
  /** A row that is wanted wherever it is now. */
  readonly ref?: RowRef;
}

/** The sizes of a physical address that PARange can say. */
export const PA_BITS = [32, 36, 40, 42, 44, 48, 52] as const;

export interface TablesSize {
  readonly stage: 1 | 2;
  readonly granule: 4096 | 16384 | 65536;
  /** Bits of the VA or IPA. */
  readonly inputBits: number;
  /** Bits of a physical address that the hardware has. */
  readonly paBits: (typeof PA_BITS)[number];
  /** FEAT_LPA2 with 4K and 16K; at stage 1 with 64K: FEAT_LVA. */
  readonly wide: boolean;
}

export type Query =
  | { readonly view: 'registers'; readonly vcpu: number }
  /** `count` instructions from `address`; 'pc' keeps the PC in the window. */
  | { readonly view: 'disassembly'; readonly vcpu: number; readonly address: bigint | 'pc'; readonly count: number }
  /** `vm` for ipa, `vcpu` for va; at most 65536 bytes. */
  | {
      readonly view: 'memory';
      readonly space: AddressSpace;
      readonly vm?: number;
      readonly vcpu?: number;
      readonly address: bigint;
      readonly length: number;
    }
  /** The tables of one translation as rows of trees. */
  | ({ readonly view: 'tables' } & TablesOwner & TablesShown)
  /** All entries of the table at `address`. */
  | ({ readonly view: 'table'; readonly address: bigint; readonly since?: Since } & TablesOwner)
  /** The same trees as lines, as the kernel's debugfs has them. */
  | ({ readonly view: 'dump' } & TablesOwner)
  /**
   * What a descriptor of a table of that level says, and the same mapping in the other formats; `input`: which address it translates,
   * `before`: what it was, if that is to be weighed.
   */
  | ({
      readonly view: 'descriptor';
      readonly level: number;
      readonly value: bigint;
      readonly input?: bigint;
      readonly before?: bigint;
    } & TablesOwner)
  /** What tables a size gives; needs no VM. With one, or with a vCPU: what sizes its tables have, too. */
  | ({ readonly view: 'calculator'; readonly vm?: number; readonly vcpu?: number } & TablesSize)
  /** Every read of the walk of one address through both stages. */
  | { readonly view: 'walk'; readonly vcpu: number; readonly va: bigint; readonly access: 'read' | 'write' | 'execute' }
  | { readonly view: 'memoryMap'; readonly vm: number }
  /** What KVM did to a VM's stage 2: rows `from` … of those that are left by the filters; 'end': the last ones. At most 500. */
  | {
      readonly view: 'stage2Events';
      readonly vm: number;
      readonly from: number | 'end';
      readonly count: number;
      /** Absent: all. */
      readonly operations?: readonly Stage2Operation[];
      /** Only what touches these IPAs; absent: all. */
      readonly range?: { readonly start: bigint; readonly end: bigint };
    }
  /** The reference page of an instruction word; `address` is where it stands. */
  | { readonly view: 'instruction'; readonly word: number; readonly address: bigint }
  /** Rows of the instruction table that have all the words of `text`. */
  | { readonly view: 'instructions'; readonly text: string };

export type View =
  | RegistersView
  | DisassemblyView
  | MemoryView
  | TablesView
  | TableView
  | DumpView
  | DescriptorView
  | CalculatorView
  | WalkView
  | MemoryMapView
  | Stage2EventsView
  | InstructionView
  | InstructionsView
  /** The query has no answer now (no such VM, MMU off, …), and why. */
  | { readonly view: 'nothing'; readonly why: string };

export interface RegistersView {
  readonly view: 'registers';
  readonly groups: readonly {
    readonly title: string;
    readonly registers: readonly RegisterValue[];
  }[];
}

export interface RegisterValue {
  readonly name: string;
  readonly value: bigint;
  readonly bits: 32 | 64 | 128;
  /** Changed since the last stop. */
  readonly changed: boolean;
  /** `NZcv EL1h`, `MMU on, 4K, T0SZ 25`: what the value says; '' where nothing. */
  readonly meaning: string;
  /** KVM_GET_ONE_REG's id, where it has one. */
  readonly oneReg: bigint | null;
}

export interface DisassemblyView {
  readonly view: 'disassembly';
  readonly pc: bigint;
  readonly lines: readonly {
    readonly address: bigint;
    /** null: no memory there; `text` says why. */
    readonly word: number | null;
    readonly text: string;
    readonly symbol: string | null;
    readonly guestLine: number | null;
    readonly breakpoint: boolean;
  }[];
}

export interface MemoryView {
  readonly view: 'memory';
  readonly address: bigint;
  /** One entry for every run of bytes that is there, or not there with the reason. */
  readonly runs: readonly (
    | { readonly offset: number; readonly data: Uint8Array }
    | { readonly offset: number; readonly length: number; readonly missing: string }
  )[];
}

export interface TablesView {
  readonly view: 'tables';
  readonly stage: 1 | 2;
  /** `IPA 40 bits, 4K granule, start level 1, 2 concatenated tables`. */
  readonly title: string;
  readonly control: readonly ControlRegister[];
  readonly roots: readonly TableNode[];
  /** Whether anything is known of the moment that changes are against. */
  readonly comparable: boolean;
  /** Virtual time of the moment that was kept; null: none was. */
  readonly kept: bigint | null;
  /** Rows that there are, and how many more there would be if a list had no end. */
  readonly total: number;
  readonly cut: number;
  /** Input address of the last row. */
  readonly highest: bigint;
  /** Those from `from` on. */
  readonly from: number;
  readonly rows: readonly TableRow[];
  /** The row that `ref` asked for; null: there is none now. */
  readonly found: { readonly ref: RowRef; readonly index: number; readonly row: TableRow } | null;
}

/** A table or an entry as a row of the trees. */
export interface TableRow {
  /** The same as long as it shows the same entry of the same table. */
  readonly id: string;
  /** Number of the row one level up; null for a root. */
  readonly parent: number | null;
  /** From 1, as aria-level counts. */
  readonly depth: number;
  /** Place among its siblings, from 1, and how many there are. */
  readonly position: number;
  readonly siblings: number;
  /** Level of the table that the entry stands in, or of the root. */
  readonly level: number;
  /** The root, or the table that the entry leads to; null: neither. */
  readonly table: TableNode | null;
  /** What opens below it: the table, or a run of merged entries; null: nothing. */
  readonly opens: 'table' | 'run' | null;
  readonly open: boolean;
  /** Null for a root's own row, and for the row below a table that can't be read. */
  readonly entry: TableEntry | null;
}

export interface TableNode {
  readonly address: bigint;
  readonly level: number;
  /** First input address that the table translates, and how many bytes it covers. */
  readonly inputBase: bigint;
  readonly inputSize: bigint;
  readonly valid: number;
  readonly total: number;
  /** Entries that changed, in it and in all tables below. */
  readonly changed: number;
}

export interface TableEntry {
  readonly index: number;
  /** How many entries the row stands for: more than one for merged ones. */
  readonly count: number;
  readonly inputBase: bigint;
  readonly inputSize: bigint;
  readonly address: bigint;
  readonly value: bigint;
  readonly kind: 'invalid' | 'table' | 'block' | 'page' | 'reserved';
  /** Where a block, page or table entry points; of merged ones the first. */
  readonly output: bigint | null;
  /** What it allows and how it is cached, in brief. */
  readonly attributes: string;
  /** What the contiguous bit makes of it; null: the bit is 0, or it maps nothing. */
  readonly contiguous: ContiguousEntries | null;
  /** Changed since the moment compared with, and what it was then. */
  readonly changed: boolean;
  readonly before: bigint | null;
}

/** Entries that the contiguous bit joins: each run may be one entry of a TLB. */
export interface ContiguousEntries {
  /** Runs that the row holds or is part of, how many entries each has and what it maps. */
  readonly runs: number;
  readonly count: number;
  readonly size: bigint;
  /** What is wrong with the first run that is; null: all may be taken for one. */
  readonly wrong: string | null;
}

/** One table whole: an entry is what stands at its index in each array. */
export interface TableView {
  readonly view: 'table';
  readonly address: bigint;
  readonly level: number;
  readonly inputBase: bigint;
  /** What one entry translates. */
  readonly entrySize: bigint;
  readonly values: BigUint64Array;
  /** Index in TABLE_KINDS. */
  readonly kinds: Uint8Array;
  /** 1: changed. */
  readonly changed: Uint8Array;
  /** What the changed ones were at the moment compared with. */
  readonly before: BigUint64Array;
  /** Next table, or what a block or page maps to; 0 for others. */
  readonly outputs: BigUint64Array;
  /** Tables above it, the root first. */
  readonly path: readonly { readonly address: bigint; readonly level: number; readonly index: number }[];
  /** Tables side by side: more than one at a start level with concatenation. */
  readonly concatenated: number;
  /** Virtual time of the kept moment. */
  readonly kept: bigint | null;
}

export const TABLE_KINDS = ['invalid', 'table', 'block', 'page', 'reserved'] as const;

export interface DumpView {
  readonly view: 'dump';
  readonly lines: readonly string[];
  /** Lines beyond these were left out. */
  readonly cut: boolean;
}

export interface DescriptorView {
  readonly view: 'descriptor';
  /** What was asked for. */
  readonly value: bigint;
  readonly kind: TableEntry['kind'];
  readonly fields: readonly DescriptorField[];
  /** What a field of it needs that the other formats have otherwise; empty for entries that map nothing. */
  readonly others: readonly OtherFormat[];
  /** What software owes to TLBs for the change from what it was; null where nothing was asked, or nothing has changed. */
  readonly change: { readonly needed: 'nothing' | 'invalidate' | 'break'; readonly why: string } | null;
}

/** A mapping in another format: or why it can't be there. */
export type OtherFormat =
  | {
      readonly ok: true;
      readonly format: string;
      readonly level: number;
      readonly size: bigint;
      readonly value: bigint;
      readonly fields: readonly DescriptorField[];
      /** What is not the same there. */
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly format: string; readonly why: string };

export interface CalculatorView {
  readonly view: 'calculator';
  /** Why there are no such tables; null: there are. */
  readonly problem: string | null;
  readonly format: string;
  /** Start levels; KVM's choice, or the only one, is `chosen`. */
  readonly starts: readonly {
    readonly level: number;
    readonly levels: number;
    readonly concatenated: number;
    readonly entries: number;
    readonly rootBytes: bigint;
    /** `SL0 1`: what says it at stage 2. */
    readonly encoded: string | null;
    readonly chosen: boolean;
    /** Why tables of that size can't start there; null: they can. */
    readonly refused: string | null;
  }[];
  /** From the chosen start level on: which bits of the input address index the level, and what one entry maps. */
  readonly levels: readonly {
    readonly level: number;
    readonly bits: string;
    readonly entries: number;
    readonly entrySize: bigint;
    readonly leaf: 'block' | 'page' | null;
    /** Entries that the contiguous bit joins; 1: none. */
    readonly contiguous: number;
  }[];
  readonly registers: readonly ControlRegister[];
  /** Sizes of the tables that the VM's stage 2 and the vCPU's stage 1 have now. */
  readonly here: readonly TablesSize[];
}

/** A register that governs translation, field by field. */
export interface ControlRegister {
  readonly name: string;
  readonly value: bigint;
  readonly fields: readonly DescriptorField[];
}

export interface DescriptorField {
  readonly name: string;
  /** `54:53`, or the parts of a split field. */
  readonly bits: string;
  readonly value: bigint;
  readonly meaning: string;
}

export interface WalkView {
  readonly view: 'walk';
  readonly va: bigint;
  readonly steps: readonly WalkStep[];
  readonly result:
    | { readonly ok: true; readonly ipa: bigint; readonly pa: bigint; readonly meaning: string }
    | {
        readonly ok: false;
        readonly stage: 1 | 2;
        readonly level: number;
        readonly fault: string;
        /** Which fields forbid it, or why there is no walk, and what KVM makes of a fault of stage 2. */
        readonly message: string;
        /** The reads, from 1, whose descriptors forbid it; none where none does. */
        readonly refusing: readonly number[];
      };
  readonly tlb: TlbCounts;
}

/** What the host's CPU has done with its TLBs since it was switched on, whatever the guest. */
export interface TlbCounts {
  /** Misses filled by the walk in WebAssembly and by the one in TypeScript. */
  readonly refills: Readonly<Record<'read' | 'write' | 'fetch', number>>;
  readonly fills: Readonly<Record<'read' | 'write' | 'fetch', number>>;
  /** Times that all was forgotten, all of one address space, one page. */
  readonly flushes: Readonly<Record<'all' | 'space' | 'page', number>>;
}

export interface WalkStep {
  readonly stage: 1 | 2;
  readonly level: number;
  /** A stage 2 step inside a stage 1 walk: the address of the descriptor being translated, else the final address. */
  readonly forAddress: bigint;
  readonly index: number;
  readonly descriptorIpa: bigint | null;
  readonly descriptorPa: bigint;
  readonly value: bigint;
  readonly kind: TableEntry['kind'];
  readonly fields: readonly DescriptorField[];
}

export interface MemoryMapView {
  readonly view: 'memoryMap';
  readonly ipaBits: number;
  /** Sorted, not overlapping: slots, and what the VM's devices claim; the rest leaves with KVM_EXIT_MMIO. */
  readonly regions: readonly {
    readonly kind: 'slot' | 'device';
    readonly name: string;
    readonly base: bigint;
    readonly size: bigint;
    readonly flags: readonly string[];
    readonly userspaceAddress: bigint | null;
    /** Bytes mapped at stage 2 now. */
    readonly mapped: bigint;
  }[];
}

export interface Stage2EventsView {
  readonly view: 'stage2Events';
  /** Rows that the filters leave, and which of them the first here is. */
  readonly total: number;
  readonly from: number;
  readonly rows: readonly Stage2EventRow[];
  /** Events there were, and how many of them are not kept any more. */
  readonly recorded: number;
  readonly dropped: number;
}

/** An event, or neighbours of one kind at neighbouring IPAs; break-before-make has three rows. */
export interface Stage2EventRow {
  /** Of the first event, and how many the row stands for. */
  readonly seq: number;
  readonly count: number;
  /** Virtual time of the first and of the last. */
  readonly time: bigint;
  readonly until: bigint;
  /** 1, 2 and 3 of break-before-make: the invalid entry, the TLB maintenance, the new entry. 0: no part of it. */
  readonly step: 0 | 1 | 2 | 3;
  readonly operation: Stage2Operation;
  readonly reason: Stage2Reason;
  /** The faulting IPA, or the host's address that changed. */
  readonly about: bigint | null;
  readonly ipa: bigint;
  readonly size: bigint;
  readonly level: number | null;
  /** Where the first descriptor lies. */
  readonly at: bigint | null;
  /** The first descriptor before and after; null where none is written. */
  readonly before: bigint | null;
  readonly after: bigint | null;
  /** What they allow: `RW-`, `R-X old`, `table`, `locked`, `–`. */
  readonly was: string;
  readonly is: string;
  /** What the kernel did for the first one, in order. */
  readonly steps: readonly Stage2EventStep[];
}

export interface Stage2EventStep {
  readonly kind: 'write' | 'tlb' | 'cache' | 'barrier';
  readonly text: string;
}

export interface InstructionView {
  readonly view: 'instruction';
  /** As the architecture's manual titles it. */
  readonly name: string;
  readonly word: number;
  readonly text: string;
  /** From bit 31 down; `field` null for fixed bits, `ignored` for those that a decoder doesn't look at. */
  readonly encoding: readonly {
    readonly hi: number;
    readonly lo: number;
    readonly field: string | null;
    readonly bits: string;
    readonly ignored: boolean;
  }[];
  /** Templates: `add <Rd|SP>, <Rn|SP>, <aimm>`. */
  readonly syntax: string;
  readonly aliases: readonly string[];
  /** The extensions it needs; empty: in every CPU. */
  readonly features: readonly { readonly name: string; readonly present: boolean }[];
  readonly operands: readonly { readonly name: string; readonly value: string; readonly written: boolean }[];
  readonly flow: string;
  /** What it does to memory; null: nothing. */
  readonly transfer: string | null;
  /** Lines of pseudocode; null: this engine has not got the instruction, it is UNDEFINED. */
  readonly semantics: readonly string[] | null;
}

export interface InstructionsView {
  readonly view: 'instructions';
  readonly found: readonly {
    readonly name: string;
    readonly syntax: string;
    /** An instruction of the row, for its page. */
    readonly word: number;
  }[];
  /** How many there are, shown or not. */
  readonly total: number;
}
