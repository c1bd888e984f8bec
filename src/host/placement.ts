import { refuse, type Refusal } from '../kvm/refusal.ts';
import { hex } from '../kvm/usercopy.ts';
import type { Mappings } from './mappings.ts';

/** Addresses below are never given out by mmap (vm.mmap_min_addr). */
const MMAP_MIN_ADDRESS = 0x10000;
/** DEFAULT_MAP_WINDOW: without a higher hint mmap stays below it, whatever TASK_SIZE is. */
export const MAP_WINDOW = 2 ** 48;
/** Room below the window for the stack (mmap_base's least gap). */
const STACK_GAP = 128 * 2 ** 20;
/** mmap_base: where mmap begins, top down. */
export const MMAP_BASE = MAP_WINDOW - STACK_GAP;

export interface Placement {
  /** A hint; with `fixed` the place, whatever is there. */
  readonly address?: bigint;
  readonly fixed?: boolean;
  /** With `fixed`: EEXIST where something is there (MAP_FIXED_NOREPLACE). */
  readonly keep?: boolean;
}

/** Where mmap puts `size` bytes of whole pages (get_unmapped_area); `limit` is TASK_SIZE. */
export function place(
  mappings: Mappings,
  { address = 0n, fixed = false, keep = false }: Placement,
  size: number,
  { limit, pageSize }: { readonly limit: bigint; readonly pageSize: number },
): number | Refusal {
  const offset = address % BigInt(pageSize);
  if (fixed) {
    if (offset !== 0n) {
      const message = `${hex(address)} is not a multiple of the page size`;
      return refuse('EINVAL', 'mmap.fixed', message, 'get_unmapped_area');
    }
    if (address < BigInt(MMAP_MIN_ADDRESS)) {
      return refuse('EPERM', 'mmap.min-addr', `${hex(address)} is below vm.mmap_min_addr`, 'cap_mmap_addr');
    }
    if (address + BigInt(size) > limit) {
      return refuse('ENOMEM', 'mmap.task-size', `${hex(address)} is above user space`, 'get_unmapped_area');
    }
    const start = Number(address);
    if (keep && mappings.within(start, start + size).length > 0) {
      return refuse('EEXIST', 'mmap.exists', `there is a mapping in ${size} bytes from ${hex(address)}`, 'do_mmap');
    }
    return start;
  }
  // round_hint_to_min
  const hint = address === offset ? 0 : Math.max(Number(address - offset), MMAP_MIN_ADDRESS);
  if (hint > 0 && hint + size <= Number(limit) && mappings.within(hint, hint + size).length === 0) return hint;
  // Top down below the stack, the highest gap that has the room; a hint above the window asks for what is there (arch_get_mmap_base).
  const above = hint > MAP_WINDOW ? Number(limit) - MAP_WINDOW : 0;
  const top = mappings.gapBelow(MMAP_BASE + above, size);
  if (top - size < MMAP_MIN_ADDRESS)
    return refuse('ENOMEM', 'mmap.no-room', `no gap of ${size} bytes`, 'get_unmapped_area');
  return top - size;
}
