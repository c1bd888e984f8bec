import type { Regime, Stage1Regime, Stage2Regime } from './control.ts';
import { fieldValue, STAGE1 } from './descriptor.ts';
import type { Fault, FaultType } from './fault.ts';
import { power } from './format.ts';
import type { Step, Visitor } from './walk.ts';

const DONE = 1;
/** Result of a walk that a descriptor's own fault ended; `fault` and `level` say which. */
export const FAULTED = 2;

/** The walk of one address: keeps what its leaf says, whatever the stage. One object serves all walks of an MMU. */
abstract class LeafWalk implements Visitor {
  fault: FaultType = 'translation';
  level = 0;
  low = 0;
  high = 0;
  output = 0;
  input = 0;
  size = 0;
  address = 0;
  offset = 0;
  #limit = 0;
  #record: ((step: Step) => void) | null = null;

  protected start(regime: Regime, record: ((step: Step) => void) | null): void {
    this.#limit = power(regime.outputBits);
    this.#record = record;
  }

  locate(address: number, level: number): number {
    this.level = level;
    return address;
  }

  table(step: Step): number {
    this.#record?.(step);
    return step.output >= this.#limit ? this.#fail('addressSize') : 0;
  }

  leaf(step: Step): number {
    this.#record?.(step);
    if (step.kind !== 'block' && step.kind !== 'page') return this.#fail('translation');
    if (step.output >= this.#limit) return this.#fail('addressSize');
    this.low = step.low;
    this.high = step.high;
    this.output = step.output;
    this.input = step.input;
    this.size = step.size;
    this.address = step.address;
    this.offset = step.offset;
    return DONE;
  }

  #fail(type: FaultType): number {
    this.fault = type;
    return FAULTED;
  }
}

export class Stage2Walk extends LeafWalk {
  begin(regime: Stage2Regime, record: ((step: Step) => void) | null): void {
    this.start(regime, record);
  }
}

/** Its tables lie at intermediate addresses, and limit what lies below them. */
export class Stage1Walk extends LeafWalk {
  noEl0 = false;
  readOnly = false;
  pxnTable = false;
  uxnTable = false;
  /** The stage 2 fault that a descriptor's address met. */
  located: Fault | null = null;
  readonly #stage2: (address: number) => number | Fault;
  #hierarchical = false;

  constructor(stage2: (address: number) => number | Fault) {
    super();
    this.#stage2 = stage2;
  }

  begin(regime: Stage1Regime, record: ((step: Step) => void) | null): void {
    this.start(regime, record);
    this.#hierarchical = regime.hierarchical;
    this.located = null;
    this.noEl0 = this.readOnly = this.pxnTable = this.uxnTable = false;
  }

  override locate(address: number, level: number): number {
    this.level = level;
    const result = this.#stage2(address);
    if (typeof result === 'number') return result;
    this.located = result;
    return -1;
  }

  override table(step: Step): number {
    const result = super.table(step);
    if (result === 0 && this.#hierarchical) {
      const ap = fieldValue(STAGE1.APTable, step.low, step.high);
      if (ap & 1) this.noEl0 = true;
      if (ap & 2) this.readOnly = true;
      if (fieldValue(STAGE1.PXNTable, step.low, step.high) === 1) this.pxnTable = true;
      if (fieldValue(STAGE1.UXNTable, step.low, step.high) === 1) this.uxnTable = true;
    }
    return result;
  }
}
