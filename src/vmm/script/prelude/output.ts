/** What a script prints, and the guest's console. */
import { hex } from './errors.ts';
import { host } from './host.ts';
import { Memory } from './memory.ts';
import { bytesOf, exactBuffer } from './scalars.ts';
import { LAYOUT, type View } from './structs.ts';

const DEPTH = 4;

function shown(value: unknown, depth: number): string {
  if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return hex(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Promise) return 'Promise (is an `await` missing?)';
  if (value instanceof Memory) return `memory at ${hex(value.address)}, ${hex(value.size)} bytes`;
  if (depth >= DEPTH) return '…';
  if (Symbol.iterator in value) {
    const elements: string[] = [];
    for (const element of value as Iterable<unknown>) {
      if (elements.length === 64) {
        elements.push('…');
        break;
      }
      elements.push(shown(element, depth + 1));
    }
    return `[${elements.join(', ')}]`;
  }
  const name = LAYOUT in value ? `${(value as unknown as View)[LAYOUT].name} ` : '';
  const members: string[] = [];
  for (const key in value) members.push(`${key}: ${shown((value as Record<string, unknown>)[key], depth + 1)}`);
  return `${name}{ ${members.join(', ')} }`;
}

export function print(...values: unknown[]): void {
  host.print(`${values.map((value) => shown(value, 0)).join(' ')}\n`);
}

export const uart = Object.freeze({
  write(data: unknown): void {
    const bytes = typeof data === 'number' ? new Uint8Array([data]) : bytesOf('uart.write', data);
    host.uartWrite(exactBuffer(bytes));
  },
  read(): number | undefined {
    const byte = host.uartRead();
    return byte < 0 ? undefined : byte;
  },
});
