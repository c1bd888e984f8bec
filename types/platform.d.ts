/**
 * What the floors below the page may use of the platform, in the browser's worker and in Node alike.
 * TypeScript has these only in its DOM library, which those floors are compiled without.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class CompileError extends Error {}
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(delta: number): number;
  }
  class Global {
    constructor(descriptor: { value: 'i32' | 'i64' | 'f32' | 'f64'; mutable?: boolean }, value?: number | bigint);
    value: number | bigint;
  }
  type Import = Memory | Table | Global | ((...args: never[]) => unknown);
  type Imports = Record<string, Record<string, Import>>;
  type Exports = Record<string, unknown>;
  function validate(bytes: Uint8Array): boolean;
}
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes: Uint8Array, options?: { stream?: boolean }): string;
}
declare class DecompressionStream {
  constructor(format: 'gzip' | 'deflate' | 'deflate-raw');
}
declare function setTimeout(handler: () => void, milliseconds?: number): number;
declare function clearTimeout(handle: number): void;
declare const performance: { now(): number };
declare const console: {
  log(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};
/** A file's text, put in by the bundler. */
declare module '*?raw' {
  const text: string;
  export default text;
}
/** The part of sucrase's parser that the loop marks need; the package declares it under another path. */
declare module 'sucrase/dist/parser/index.js' {
  export interface Token {
    readonly type: number;
    readonly start: number;
    readonly end: number;
  }
  export function parse(input: string, jsx: boolean, typescript: boolean, flow: boolean): { readonly tokens: Token[] };
}
declare module 'sucrase/dist/parser/tokenizer/types.js' {
  export const TokenType: Readonly<
    Record<
      | 'bracketL'
      | 'bracketR'
      | 'braceL'
      | 'braceR'
      | 'parenL'
      | 'parenR'
      | 'dollarBraceL'
      | 'semi'
      | '_for'
      | '_while'
      | '_await',
      number
    >
  >;
}
/** The address of a file that the bundler puts beside the code. */
declare module '*?url' {
  const location: string;
  export default location;
}
interface MessagePort {
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
}
declare class MessageChannel {
  readonly port1: MessagePort;
  readonly port2: MessagePort;
}

declare function atob(base64: string): string;
