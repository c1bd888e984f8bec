/** What the engine has to know of level and registers. */
import { KEY_REGISTERS, pointersWord } from './pointers.ts';
import { PSTATE } from './exceptions.ts';
import type { CpuParts } from './parts.ts';
import { SCTLR } from './sysregs.ts';
import type { TranslationRegisters } from './translation/configuration.ts';
import { REGIME } from './translation/parameters.ts';
import type { AddressSpaces } from './translation/spaces.ts';

export class EngineControl {
  readonly #parts: CpuParts;
  readonly #spaces: AddressSpaces;
  readonly #fpTrapped: () => boolean;
  /** The translation registers that are in use, and the edition of the context that those of EL1 are of. */
  #registers: TranslationRegisters | null = null;
  #edition = -1;

  constructor(parts: CpuParts, spaces: AddressSpaces, fpTrapped: () => boolean) {
    this.#parts = parts;
    this.#spaces = spaces;
    this.#fpTrapped = fpTrapped;
  }

  /** PSTATE or a control register has changed. */
  sync(): void {
    const { engine, sctlr } = this.#parts;
    const { state } = engine;
    const el0 = state.level === 0;
    state.regime = el0 ? REGIME.EL0 : (state.pstate & PSTATE.PAN) !== 0 ? REGIME.EL1_PAN : REGIME.EL1;
    state.unprivileged = (state.pstate & PSTATE.UAO) !== 0 ? state.regime : REGIME.EL0;
    state.checksSp = sctlr(el0 ? SCTLR.SA0 : SCTLR.SA);
    state.fpTrapped = this.#fpTrapped();
  }

  syncKeys(): void {
    const { engine, read } = this.#parts;
    for (const [word, register] of KEY_REGISTERS) engine.state.setControl(word, read(register));
  }

  /** The translation registers as they are now: another address space if one has changed. */
  retranslate(): void {
    const { el2, context } = this.#parts;
    const { HCR_EL2, VTCR_EL2, VTTBR_EL2 } = el2;
    const before = this.#registers;
    const same = before?.HCR_EL2 === HCR_EL2 && before.VTCR_EL2 === VTCR_EL2 && before.VTTBR_EL2 === VTTBR_EL2;
    if (!same || this.#edition !== context.edition) this.#use(before);
    this.sync();
  }

  #use(before: TranslationRegisters | null): void {
    const { el2, mmu, read, context } = this.#parts;
    const registers: TranslationRegisters = {
      SCTLR_EL1: read('SCTLR_EL1'),
      TCR_EL1: read('TCR_EL1'),
      TTBR0_EL1: read('TTBR0_EL1'),
      TTBR1_EL1: read('TTBR1_EL1'),
      MAIR_EL1: read('MAIR_EL1'),
      HCR_EL2: el2.HCR_EL2,
      VTCR_EL2: el2.VTCR_EL2,
      VTTBR_EL2: el2.VTTBR_EL2,
    };
    this.#registers = registers;
    this.#edition = context.edition;
    const configuration = this.#spaces.use(registers);
    if (configuration) mmu.use(configuration);
    this.#syncPointers(before, registers);
  }

  /** A guest that turns its MMU on finds nothing of the tables that it had before: many forget the TLBI. */
  guestRetranslates(): void {
    const { engine, mmu } = this.#parts;
    const wasOff = !mmu.stage1On;
    this.retranslate();
    if (wasOff && mmu.stage1On) engine.tlb.flush(engine.tlb.space);
  }

  /** The word is made anew only where what it is made of has changed: processes are switched often. */
  #syncPointers(before: TranslationRegisters | null, registers: TranslationRegisters): void {
    const { SCTLR_EL1, TCR_EL1, HCR_EL2 } = registers;
    if (before?.SCTLR_EL1 === SCTLR_EL1 && before.TCR_EL1 === TCR_EL1 && before.HCR_EL2 === HCR_EL2) return;
    this.#parts.engine.state.setControl('pointers', pointersWord(registers, this.#parts.features));
  }
}
