import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { CallResult } from '../program.ts';
import { areaOf, compareOutputs, freeLines, sections } from './compare.ts';
import { LINE_LIMIT, TEXT_LIMIT, TraceFileError, parseTraces } from './parse.ts';
import { TracePlayer } from './player.ts';
import type { TraceProcess } from './player.ts';
import { TRACE_INSTRUCTIONS, playTraces } from './run.ts';
import type { TraceHost } from './run.ts';

const refusal = { rule: 'test', message: 'no', kernel: 'test' };

interface Answer {
  readonly pauses?: readonly string[];
  readonly result: CallResult;
}

/** A process without a host: plain memory, one device that can be opened, ioctls answered by the test. */
class FakeProcess implements TraceProcess {
  readonly #answer: (request: number, arg: bigint) => Answer;
  readonly #regions: { start: bigint; bytes: Uint8Array }[] = [];
  readonly #open = new Set<number>();
  #top = 0x7000_0000n;
  left = false;

  constructor(answer: (request: number, arg: bigint) => Answer) {
    this.#answer = answer;
  }

  open(path: string): ReturnType<TraceProcess['open']> {
    if (path !== '/dev/null') return { errno: 'ENOENT' };
    let fd = 3;
    while (this.#open.has(fd)) fd++;
    this.#open.add(fd);
    return fd;
  }

  close(fd: number): CallResult {
    return this.#open.delete(fd) ? { ret: 0 } : { errno: 'EBADF', ...refusal };
  }

  mmap({ length, fd }: { length: number; fd?: number }): ReturnType<TraceProcess['mmap']> {
    if (fd !== undefined) return { errno: this.#open.has(fd) ? 'ENODEV' : 'EBADF' };
    const start = this.#top;
    this.#top += BigInt(length) + 0x100000n;
    this.#regions.push({ start, bytes: new Uint8Array(length) });
    return { address: start };
  }

  readonly memory = {
    read: (address: bigint, length: number): Uint8Array | null => this.#at(address, length)?.slice() ?? null,
    write: (address: bigint, bytes: Uint8Array): boolean => {
      const place = this.#at(address, bytes.length);
      place?.set(bytes);
      return place !== null;
    },
  };

  *ioctl(fd: number, request: number, arg: bigint): Generator<{ why: string }, CallResult, void> {
    if (!this.#open.has(fd)) return { errno: 'EBADF', ...refusal };
    const { pauses = [], result } = this.#answer(request, arg);
    for (const why of pauses) yield { why };
    return result;
  }

  exit(): void {
    this.left = true;
  }

  #at(address: bigint, length: number): Uint8Array | null {
    for (const { start, bytes } of this.#regions) {
      const offset = Number(address - start);
      if (offset >= 0 && offset + length <= bytes.length) return bytes.subarray(offset, offset + length);
    }
    return null;
  }
}

const NO_IOCTL: Answer = { result: { errno: 'ENOTTY', ...refusal } };

function play(text: string, answer: (request: number, arg: bigint, process: FakeProcess) => Answer = () => NO_IOCTL) {
  const output: string[] = [];
  const problems: { line: number | null; message: string }[] = [];
  const processes: FakeProcess[] = [];
  const host: TraceHost = {
    control: { budget: 0 },
    createProcess: () => {
      const process: FakeProcess = new FakeProcess((request, arg) => answer(request, arg, process));
      processes.push(process);
      return process;
    },
  };
  playTraces(parseTraces(text), host, {
    print: (line) => output.push(line),
    problem: (line, message) => problems.push({ line, message }),
  });
  return { output, problems, processes };
}

const file = (name: string): Buffer => readFileSync(new URL(`./vectors/${name}`, import.meta.url));

describe('the format', () => {
  it('is played line for line as the recording executor plays it (vectors/format.kvmtrace)', () => {
    const { output, processes } = play(file('format.kvmtrace').toString());
    expect(output).toEqual(file('format.out').toString().trimEnd().split('\n'));
    expect(processes.every((process) => process.left)).toBe(true);
  });

  it('a wrong line is named by its place in the file, with what it should be', () => {
    const { problems } = play(
      '# comment\ntrace a\nw8 x\nend\ntrace b\nfrob 1\nend\ntrace c\nbuf a 1x\nend\ntrace d\nr8 nowhere\nend\ntrace e\nbuf a 9 3\nend\ntrace f\nbuf a 9\nhex a 0x1\nend\n',
    );
    expect(problems).toEqual([
      { line: 3, message: '1 operand; it is written w8 LOC VALUE' },
      { line: 6, message: expect.stringContaining('"frob" is no operation; there are end, open') as string },
      { line: 9, message: '"1x" is no number; it is written buf NAME SIZE [ALIGN]' },
      { line: 12, message: 'no line before this one has made the buffer "nowhere"' },
      { line: 15, message: "a buffer can't be aligned to 3: that is no power of two" },
      { line: 19, message: '"0x1" is no run of bytes in hex; it is written hex LOC BYTES' },
    ]);
  });

  it('a file without traces, more text than is taken, and a line without end, are refused', () => {
    expect(() => parseTraces('\x7fELF\0\0')).toThrow(TraceFileError);
    expect(() => parseTraces(`trace long\n${'r8 a\n'.repeat(TEXT_LIMIT / 5)}`)).toThrow(`at most ${TEXT_LIMIT}`);
    const [trace] = parseTraces(`trace long\nhex a ${'0'.repeat(LINE_LIMIT)}\nend`);
    expect(trace?.lines[0]?.operation).toMatchObject({ op: 'bad', what: 'line' });
  });

  it('no text makes the player fail, or leave its process behind', () => {
    const word = fc.oneof(
      fc.constantFrom('buf', 'a', 'b', '64', '0x1000', '&a', '&a+8', 'a+4', '$n', 'n', 'open', '/dev/null', 'close'),
      fc.constantFrom('mmap', 'ioctl', '->', 'run', 'w8', 'w64', 'r32', 'dump', 'hex', '00ff', 'fill', 'fdat', 'end'),
      fc.constantFrom('#', '-1', '08', '0xffffffffffffffff', '', '+', '&', '$', 'trace'),
    );
    const text = fc.array(
      fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(text, (lines) => {
        const { output, processes } = play(['trace t', 'buf a 64', 'open n /dev/null', ...lines].join('\n'));
        expect(output.at(-1)).toBe('@@END');
        expect(processes.every((process) => process.left)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('run', () => {
  const VCPU = 'trace t\nopen v /dev/null\nbuf r 64\nw32 r+8 24\nw64 r+32 1\n';

  it('prints the exit and 24 bytes of its data, and is off after a system event', () => {
    const { output } = play(`${VCPU}run v r\nrun v r\nend\n`, () => ({ result: { ret: 0 } }));
    expect(output.slice(3, -1)).toEqual(['5: exit=24 010000000000000000000000000000000000000000000000', '6: off']);
  });

  it('goes on over pauses, and asks KVM_RUN with no argument', () => {
    const { output } = play(`${VCPU}w32 r+8 6\nrun v r\nend\n`, (request, arg) => {
      expect([request, arg]).toEqual([0xae80, 0n]);
      return { pauses: ['budget', 'breakpoint', 'budget'], result: { ret: 0 } };
    });
    expect(output[3]).toMatch(/^6: exit=6 01/);
  });

  it.each([
    ['a vCPU that waits for nothing', ['idle']],
    ['a guest without end', Array.from({ length: TRACE_INSTRUCTIONS }, () => 'budget')],
  ])('%s ends by the timeout signal, and the next trace is played', (_, pauses) => {
    const { output, problems, processes } = play(`${VCPU}run v r\nr8 r\nend\ntrace u\nbuf a 8\nr8 a\nend\n`, () => ({
      pauses,
      result: { ret: 0 },
    }));
    expect(output.slice(2)).toEqual(['1: ret=fd', '', '@@signal timeout', '@@trace u', '2: 0x0', '@@END']);
    expect(problems).toEqual([]);
    expect(processes).toHaveLength(2);
    expect(processes.every((process) => process.left)).toBe(true);
  });

  it('memory that is not there ends the trace as the signal does', () => {
    const process = new FakeProcess(() => NO_IOCTL);
    const gone: TraceProcess = Object.assign(Object.create(process) as FakeProcess, {
      open: () => 3,
      mmap: () => ({ address: 0x1000n }),
      memory: { read: () => null, write: () => false },
    });
    const output: string[] = [];
    const [trace] = parseTraces('trace t\nbuf a 64\nr8 a\nend\n');
    const step = new TracePlayer(trace!, gone, (line) => output.push(line)).next();
    expect(step).toMatchObject({ kind: 'failed', line: 3 });
    expect(output).toEqual(['', '@@signal Segmentation fault']);
  });
});

const A57 = { maxCpu: false };

describe('comparing', () => {
  const [trace] = parseTraces(
    'trace onereg-0\nbuf a 0x1000\nw64 a 0x603000000013df1a\nw64 a+8 &a+0x40\nioctl v 0x4010aeab &a\ndump a+0x40 8\nw64 a 1\nioctl v 0x4010aeab &a\ndump a+0x40 8\nend\n',
  );
  const output = (...lines: string[]) => ['@@BEGIN', '@@trace onereg-0', ...lines, '@@END'];

  it('the running counter is the one value that may differ', () => {
    expect([...freeLines(trace!, A57)]).toEqual([5]);
    const same = compareOutputs(
      [trace!],
      output('4: ret=0', '5: 01', '8: 02'),
      output('4: ret=0', '5: ff', '8: 02'),
      A57,
    );
    expect(same).toEqual([{ area: 'onereg', agreeing: 1, total: 1, differences: [] }]);
    const [other] = compareOutputs([trace!], output('5: 01', '8: 02'), output('5: ff', '8: 03'), A57);
    expect(other?.differences).toEqual([{ trace: 'onereg-0', ours: '8: 02', kernel: '8: 03' }]);
  });

  it('values of ID registers are compared but where the CPU is QEMU’s max; MIDR_EL1 is always', () => {
    const get = (id: string) => `w64 a ${id}\nioctl v 0x4010aeab &a\ndump a+0x40 8\n`;
    const [ids] = parseTraces(`trace t\nbuf a 0x1000\n${get('0x603000000013c038')}${get('0x603000000013c000')}end\n`);
    expect([...freeLines(ids!, { maxCpu: true })]).toEqual([4]);
    expect([...freeLines(ids!, A57)]).toEqual([]);
  });

  it('a line too few or too many, and a missing trace, are differences', () => {
    const [few] = compareOutputs([trace!], output('4: ret=0'), output('4: ret=0', '5: 01'), A57);
    expect(few?.differences).toEqual([{ trace: 'onereg-0', ours: null, kernel: '5: 01' }]);
    expect(compareOutputs([trace!], [], output(), A57)[0]?.agreeing).toBe(0);
  });

  it('what the recording kernel logged in between is no answer', () => {
    const logged = output('4: ret=0', '[   20.871553] hrtimer: interrupt took 20247424 ns', '', '@@signal timeout');
    expect(sections(logged).get('onereg-0')).toEqual(['4: ret=0', '@@signal timeout']);
  });

  it('a recording agrees with itself, and has the areas that the repository promises', () => {
    const traces = parseTraces(gunzipSync(file('slots.kvmtrace.gz')).toString());
    expect(new Set(traces.map(areaOf))).toEqual(new Set(['ipa', 'memslot']));
    const recorded = gunzipSync(file('slots.max-4k.out.gz')).toString().split('\n');
    expect(compareOutputs(traces, recorded, recorded, A57)).toMatchObject([
      { area: 'ipa', agreeing: 15, total: 15 },
      { area: 'memslot', agreeing: 120, total: 120 },
    ]);
  });
});

const shared = new URL('../../../../shared/oracle/kvmtrace/golden/open.kvmtrace.gz', import.meta.url);
it.runIf(existsSync(shared))('every recorded trace is of the format', () => {
  const traces = parseTraces(gunzipSync(readFileSync(shared)).toString());
  expect(traces).toHaveLength(750);
  const bad = traces.flatMap((trace) => trace.lines.filter(({ operation }) => operation.op === 'bad'));
  expect(bad).toEqual([]);
});
