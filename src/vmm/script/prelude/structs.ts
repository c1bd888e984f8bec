/** C structures in place: a view has an accessor for each member, by name. */
import { wanted } from './errors.ts';
import { api, type Layout, type Shape } from './host.ts';
import { bytesOf, exactBuffer, getScalar, load, setScalar, store } from './scalars.ts';

export const BASE = Symbol('address');
export const LAYOUT = Symbol('layout');
export interface View {
  readonly [BASE]: number;
  readonly [LAYOUT]: Layout;
}

export function layoutOf(name: string): Layout {
  const layout = Object.hasOwn(api.structs, name) ? api.structs[name] : undefined;
  if (!layout) throw new TypeError(`struct ${String(name)} is not known`);
  return layout;
}

const prototypes = new Map<Layout, object>();

export function viewOf(layout: Layout, base: number): object {
  let prototype = prototypes.get(layout);
  if (!prototype) prototypes.set(layout, (prototype = prototypeOf(layout)));
  return Object.create(prototype, { [BASE]: { value: base } }) as object;
}

function prototypeOf(layout: Layout): object {
  const prototype: object = Object.create(null, { [LAYOUT]: { value: layout } }) as object;
  for (const [name, offset, type] of layout.members) {
    const what = `${layout.name}.${name}`;
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: View) {
        return getMember(type, this[BASE] + offset);
      },
      set(this: View, value: unknown) {
        setMember(what, type, this[BASE] + offset, value);
      },
    });
  }
  return Object.freeze(prototype);
}

function getMember(type: Shape, address: number): unknown {
  if (typeof type === 'string') return getScalar(type, address);
  return 'struct' in type ? viewOf(layoutOf(type.struct), address) : arrayView(type.of, type.count, type.size, address);
}

function setMember(what: string, type: Shape, address: number, value: unknown): void {
  if (typeof type === 'string') setScalar(what, type, address, value);
  else if ('struct' in type) assign(layoutOf(type.struct), address, value);
  else setElements(what, type.of, type.count, type.size, address, value);
}

export function assign(layout: Layout, base: number, value: unknown): void {
  if (typeof value !== 'object' || value === null) wanted(`struct ${layout.name}`, value, 'an object with its members');
  for (const [name, member] of Object.entries(value as object)) {
    const found = layout.members.find((each) => each[0] === name);
    if (!found) throw new TypeError(`struct ${layout.name} has no member ${name}`);
    if (member !== undefined) setMember(`${layout.name}.${name}`, found[2], base + found[1], member);
  }
}

function setElements(what: string, of: Shape, count: number, size: number, address: number, value: unknown): void {
  const bytes = of === 'u8' || of === 'char';
  const elements: ArrayLike<unknown> = bytes ? bytesOf(what, value) : (value as ArrayLike<unknown>);
  if (!bytes && !Array.isArray(value)) wanted(what, value, 'an array');
  if (count > 0 && elements.length > count) {
    throw new RangeError(`${what}: ${elements.length} elements, there is room for ${count}`);
  }
  if (elements instanceof Uint8Array) store(address, exactBuffer(elements), elements.length);
  else for (let i = 0; i < elements.length; i++) setMember(`${what}[${i}]`, of, address + i * size, elements[i]);
}

/** Elements in place; a flexible array has no length of its own. */
function arrayView(of: Shape, count: number, size: number, address: number): object {
  const place = (index: number): number => {
    if (count > 0 && index >= count) throw new RangeError(`index ${index} is outside an array of ${count}`);
    return address + index * size;
  };
  const indexOf = (key: string | symbol): number => (typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : -1);
  const own = {
    length: count,
    bytes: (length: number = count * size) => new Uint8Array(load(address, length)),
    *[Symbol.iterator]() {
      for (let i = 0; i < count; i++) yield getMember(of, place(i));
    },
  };
  return new Proxy(own, {
    get: (target, key) => (indexOf(key) >= 0 ? getMember(of, place(indexOf(key))) : Reflect.get(target, key)),
    set: (_target, key, value) => {
      if (indexOf(key) < 0) return false;
      setMember(`[${String(key)}]`, of, place(indexOf(key)), value);
      return true;
    },
  });
}
