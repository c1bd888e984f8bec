/** The border: a message from a page is anything at all until it has been looked at. */
import { MOST_EVENTS, OPERATIONS } from '../kvm/stage2/events.ts';
import { PA_BITS } from './messages.ts';
import type {
  Breakpoint,
  Command,
  CommandType,
  GuestElf,
  HostConfig,
  Query,
  RowRef,
  Sandbox,
  Since,
  TablesOwner,
} from './messages.ts';

export type ReadCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly type: CommandType | null; readonly message: string };

const LIMITS = {
  /** Characters of a script or a guest. */
  source: 1 << 20,
  /** Characters of an ELF file in base64: 16 MiB of it. */
  elf: 22_500_000,
  fileName: 255,
  breakpoints: 1000,
  input: 1 << 16,
  poke: 1 << 16,
  watchId: 200,
  memory: 65536,
  disassembly: 1024,
  rows: 512,
  rowId: 100,
  opened: 1024,
  search: 200,
  events: 500,
  banks: 16,
} as const;

class Unreadable extends Error {}

const fail = (what: string, wanted: string): never => {
  throw new Unreadable(`${what}: ${wanted} is wanted`);
};

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(what, 'an object');
  return value as Fields;
}

function text(value: unknown, what: string, most: number): string {
  if (typeof value !== 'string') return fail(what, 'text');
  return value.length <= most ? value : fail(what, `text of at most ${most} characters`);
}

function whole(value: unknown, what: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    return fail(what, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function wide(value: unknown, what: string): bigint {
  if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) return fail(what, 'a bigint of 64 bits');
  return value;
}

function list<T>(value: unknown, what: string, most: number, read: (item: unknown, what: string) => T): T[] {
  if (!Array.isArray(value) || value.length > most) return fail(what, `an array of at most ${most}`);
  return value.map((item, index) => read(item, `${what}[${index}]`));
}

function oneOf<const T extends string | number>(value: unknown, what: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  return found === undefined ? fail(what, `one of ${choices.join(', ')}`) : found;
}

const fd = (value: unknown, what: string): number => whole(value, what, 0, 2 ** 31 - 1);

function breakpoint(value: unknown, what: string): Breakpoint {
  const given = fields(value, what);
  const kind = oneOf(given['kind'], `${what}.kind`, ['line', 'address']);
  return kind === 'line'
    ? { kind, line: whole(given['line'], `${what}.line`, 1, 2 ** 31) }
    : { kind, address: wide(given['address'], `${what}.address`) };
}

const breakpoints = (value: unknown): Breakpoint[] => list(value, 'breakpoints', LIMITS.breakpoints, breakpoint);

function kernelBits(value: unknown): NonNullable<HostConfig['kernel']> {
  const given = fields(value, 'host.kernel');
  const bits = (name: string) => oneOf(given[name], `host.kernel.${name}`, [48, 52]);
  return { paBits: bits('paBits'), vaBits: bits('vaBits') };
}

function granules<const Name extends 'stage1Granules' | 'stage2Granules'>(
  given: Fields,
  name: Name,
): Partial<Pick<HostConfig, 'stage1Granules' | 'stage2Granules'>> {
  if (given[name] === undefined) return {};
  return { [name]: list(given[name], `host.${name}`, 3, (one, what) => oneOf(one, what, ['4K', '16K', '64K'])) };
}

function proposals(value: unknown): NonNullable<HostConfig['proposals']> {
  const { regScope } = fields(value, 'host.proposals');
  return regScope === undefined
    ? {}
    : { regScope: oneOf(regScope, 'host.proposals.regScope', ['arm64-bit', 'neutral-nibble']) };
}

function hostConfig(value: unknown): HostConfig {
  const given = fields(value, 'host');
  const paBits = given['paBits'];
  const { lpa2, lva } = given;
  if (lpa2 !== undefined && typeof lpa2 !== 'boolean') return fail('host.lpa2', 'true or false');
  if (lva !== undefined && typeof lva !== 'boolean') return fail('host.lva', 'true or false');
  return {
    cpu: oneOf(given['cpu'], 'host.cpu', ['max', 'cortex-a53', 'cortex-a57', 'cortex-a72', 'neoverse-n1']),
    ...(paBits === undefined ? {} : { paBits: oneOf(paBits, 'host.paBits', PA_BITS) }),
    ...(lpa2 === undefined ? {} : { lpa2 }),
    ...(lva === undefined ? {} : { lva }),
    ...(given['kernel'] === undefined ? {} : { kernel: kernelBits(given['kernel']) }),
    ...granules(given, 'stage1Granules'),
    ...granules(given, 'stage2Granules'),
    ...(given['gic'] === undefined ? {} : { gic: oneOf(given['gic'], 'host.gic', ['v2', 'v3']) }),
    ...(given['psci'] === undefined ? {} : { psci: oneOf(given['psci'], 'host.psci', ['1.1', '1.3']) }),
    ...(given['proposals'] === undefined ? {} : { proposals: proposals(given['proposals']) }),
    pageSize: oneOf(given['pageSize'], 'host.pageSize', [4096, 16384, 65536]),
    mode: oneOf(given['mode'], 'host.mode', ['vhe', 'nvhe', 'protected']),
    ram: list(given['ram'], 'host.ram', LIMITS.banks, (bank, what) => {
      const range = fields(bank, what);
      return { base: wide(range['base'], `${what}.base`), size: wide(range['size'], `${what}.size`) };
    }),
  };
}

function sandbox(value: unknown): Sandbox {
  const given = fields(value, 'sandbox');
  return {
    host: hostConfig(given['host']),
    script: text(given['script'], 'script', LIMITS.source),
    guest: text(given['guest'], 'guest', LIMITS.source),
    ...(given['elf'] === undefined ? {} : { elf: elf(given['elf']) }),
  };
}

function elf(value: unknown): GuestElf {
  const given = fields(value, 'elf');
  return {
    name: text(given['name'], 'elf.name', LIMITS.fileName),
    base64: text(given['base64'], 'elf.base64', LIMITS.elf),
  };
}

const tablesOwner = (given: Fields): TablesOwner =>
  oneOf(given['stage'], 'stage', [1, 2]) === 1
    ? { stage: 1, vcpu: fd(given['vcpu'], 'vcpu') }
    : { stage: 2, vm: fd(given['vm'], 'vm') };

function flag(value: unknown, what: string): boolean {
  return typeof value === 'boolean' ? value : fail(what, 'true or false');
}
const optionalFlag = (value: unknown, what: string): boolean => value !== undefined && flag(value, what);
/** Tables and runs of entries, by their addresses. */
const optionalList = (value: unknown, what: string): bigint[] =>
  value === undefined ? [] : list(value, what, LIMITS.opened, wide);

function rowRef(value: unknown): RowRef {
  const given = fields(value, 'ref');
  if ('id' in given) return { id: text(given['id'], 'ref.id', LIMITS.rowId) };
  if ('index' in given) return { index: whole(given['index'], 'ref.index', 0, 2 ** 31) };
  return { input: wide(given['input'], 'ref.input') };
}

const since = (value: unknown): Since => (value === undefined ? 'stop' : oneOf(value, 'since', ['stop', 'kept']));

function addressRange(value: unknown): { start: bigint; end: bigint } {
  const given = fields(value, 'range');
  return { start: wide(given['start'], 'range.start'), end: wide(given['end'], 'range.end') };
}

const SPACES = ['va', 'ipa', 'pa', 'hva'] as const;

const QUERIES: { readonly [V in Query['view']]: (given: Fields) => Extract<Query, { view: V }> } = {
  registers: (given) => ({ view: 'registers', vcpu: fd(given['vcpu'], 'vcpu') }),
  disassembly: (given) => ({
    view: 'disassembly',
    vcpu: fd(given['vcpu'], 'vcpu'),
    address: given['address'] === 'pc' ? 'pc' : wide(given['address'], 'address'),
    count: whole(given['count'], 'count', 1, LIMITS.disassembly),
  }),
  memory: (given) => ({
    view: 'memory',
    space: oneOf(given['space'], 'space', SPACES),
    ...(given['vm'] === undefined ? {} : { vm: fd(given['vm'], 'vm') }),
    ...(given['vcpu'] === undefined ? {} : { vcpu: fd(given['vcpu'], 'vcpu') }),
    address: wide(given['address'], 'address'),
    length: whole(given['length'], 'length', 1, LIMITS.memory),
  }),
  tables: (given) => ({
    view: 'tables',
    ...tablesOwner(given),
    from: whole(given['from'], 'from', 0, 2 ** 31),
    count: whole(given['count'], 'count', 1, LIMITS.rows),
    openAll: optionalFlag(given['openAll'], 'openAll'),
    opened: optionalList(given['opened'], 'opened'),
    closed: optionalList(given['closed'], 'closed'),
    ...(given['toward'] === undefined ? {} : { toward: wide(given['toward'], 'toward') }),
    ...(given['ref'] === undefined ? {} : { ref: rowRef(given['ref']) }),
    merge: optionalFlag(given['merge'], 'merge'),
    runs: optionalList(given['runs'], 'runs'),
    onlyChanged: optionalFlag(given['onlyChanged'], 'onlyChanged'),
    since: since(given['since']),
  }),
  table: (given) => ({
    view: 'table',
    ...tablesOwner(given),
    address: wide(given['address'], 'address'),
    since: since(given['since']),
  }),
  dump: (given) => ({ view: 'dump', ...tablesOwner(given) }),
  descriptor: (given) => ({
    view: 'descriptor',
    ...tablesOwner(given),
    level: whole(given['level'], 'level', -1, 3),
    value: wide(given['value'], 'value'),
    ...(given['input'] === undefined ? {} : { input: wide(given['input'], 'input') }),
    ...(given['before'] === undefined ? {} : { before: wide(given['before'], 'before') }),
  }),
  calculator: (given) => ({
    view: 'calculator',
    stage: oneOf(given['stage'], 'stage', [1, 2]),
    granule: oneOf(given['granule'], 'granule', [4096, 16384, 65536]),
    inputBits: whole(given['inputBits'], 'inputBits', 1, 64),
    paBits: oneOf(given['paBits'], 'paBits', PA_BITS),
    wide: flag(given['wide'], 'wide'),
    ...(given['vm'] === undefined ? {} : { vm: fd(given['vm'], 'vm') }),
    ...(given['vcpu'] === undefined ? {} : { vcpu: fd(given['vcpu'], 'vcpu') }),
  }),
  walk: (given) => ({
    view: 'walk',
    vcpu: fd(given['vcpu'], 'vcpu'),
    va: wide(given['va'], 'va'),
    access: oneOf(given['access'], 'access', ['read', 'write', 'execute']),
  }),
  stage2Events: (given) => ({
    view: 'stage2Events',
    vm: fd(given['vm'], 'vm'),
    from: given['from'] === 'end' ? 'end' : whole(given['from'], 'from', 0, MOST_EVENTS * 2),
    count: whole(given['count'], 'count', 1, LIMITS.events),
    ...(given['operations'] === undefined
      ? {}
      : {
          operations: list(given['operations'], 'operations', OPERATIONS.length, (one, what) =>
            oneOf(one, what, OPERATIONS),
          ),
        }),
    ...(given['range'] === undefined ? {} : { range: addressRange(given['range']) }),
  }),
  memoryMap: (given) => ({ view: 'memoryMap', vm: fd(given['vm'], 'vm') }),
  instruction: (given) => ({
    view: 'instruction',
    word: whole(given['word'], 'word', 0, 2 ** 32 - 1),
    address: wide(given['address'], 'address'),
  }),
  instructions: (given) => ({ view: 'instructions', text: text(given['text'], 'text', LIMITS.search) }),
};

function query(value: unknown): Query {
  const given = fields(value, 'query');
  const view = oneOf(given['view'], 'query.view', Object.keys(QUERIES) as Query['view'][]);
  return QUERIES[view](given);
}

const watchId = (value: unknown): string => text(value, 'id', LIMITS.watchId);

const COMMANDS: { readonly [T in CommandType]: (given: Fields) => Extract<Command, { type: T }> } = {
  check: (given) => ({
    type: 'check',
    script: text(given['script'], 'script', LIMITS.source),
    guest: text(given['guest'], 'guest', LIMITS.source),
  }),
  load: (given) => ({
    type: 'load',
    sandbox: sandbox(given['sandbox']),
    breakpoints: breakpoints(given['breakpoints']),
  }),
  run: () => ({ type: 'run' }),
  pause: () => ({ type: 'pause' }),
  stop: () => ({ type: 'stop' }),
  stepInstruction: () => ({ type: 'stepInstruction' }),
  stepExit: () => ({ type: 'stepExit' }),
  stepIoctl: () => ({ type: 'stepIoctl' }),
  setBreakpoints: (given) => ({ type: 'setBreakpoints', breakpoints: breakpoints(given['breakpoints']) }),
  consoleInput: (given) => ({ type: 'consoleInput', text: text(given['text'], 'text', LIMITS.input) }),
  watch: (given) => ({ type: 'watch', id: watchId(given['id']), query: query(given['query']) }),
  keepTables: (given) => ({ type: 'keepTables', keep: flag(given['keep'], 'keep') }),
  unwatch: (given) => ({ type: 'unwatch', id: watchId(given['id']) }),
  poke: (given) => {
    const data = given['data'];
    if (!(data instanceof Uint8Array) || data.length > LIMITS.poke) {
      return fail('data', `a Uint8Array of at most ${LIMITS.poke} bytes`);
    }
    return {
      type: 'poke',
      space: oneOf(given['space'], 'space', SPACES),
      address: wide(given['address'], 'address'),
      data,
      ...(given['vm'] === undefined ? {} : { vm: fd(given['vm'], 'vm') }),
      ...(given['vcpu'] === undefined ? {} : { vcpu: fd(given['vcpu'], 'vcpu') }),
    };
  },
};

/** A message as a command with every field checked; unknown fields are left out. Never throws. */
export function readCommand(message: unknown): ReadCommand {
  let type: CommandType | null = null;
  try {
    const given = fields(message, 'command');
    type = oneOf(given['type'], 'command', Object.keys(COMMANDS) as CommandType[]);
    return { ok: true, command: COMMANDS[type](given) };
  } catch (error) {
    return { ok: false, type, message: error instanceof Error ? error.message : String(error) };
  }
}
