/**
 * What the page's main thread does in a frame while it shows a VM with 100,000 mapped pages: `node scripts/frames.js`, after a build.
 * A frame's work is the CPU time of the main thread's tasks between two frames, every one of which is asked for; a frame is dropped
 * where more than 25 ms pass between two. Frames over 16 ms are told with the tasks that they were made of, and counted once more
 * without those in which V8 collects garbage at a moment that it finds idle. `--only TEXT` measures parts whose name has the text, `--trace FILE` keeps the last
 * part's trace for chrome://tracing, `--json` prints figures alone.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { chromium } from 'playwright';
import { findChromium } from './find-chromium.js';
import { draft, PAGES } from './frames-sandbox.js';

const args = process.argv.slice(2);
const given = (option) => (args.includes(option) ? (args[args.indexOf(option) + 1] ?? '') : null);
const json = args.includes('--json');
const traceFile = given('--trace');
const only = given('--only');
const PORT = 4600 + (process.pid % 300);
const BASE = `http://127.0.0.1:${PORT}/`;
/** What layout and paint tell of themselves costs some milliseconds a frame, so only a trace to be read has it. */
const CATEGORIES = traceFile
  ? 'toplevel,devtools.timeline,disabled-by-default-devtools.timeline,blink.user_timing'
  : 'toplevel,blink.user_timing';

/** In the page: notes when commands leave and answers come, and asks for every frame. */
function instrument() {
  const seen = { steps: [], sent: null };
  globalThis.__frames = seen;
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(url, options) {
      super(url, options);
      if (options?.name !== 'stage2') return;
      this.addEventListener('message', ({ data }) => {
        if (data.type === 'status' && seen.sent !== null && data.status.state === 'paused') {
          seen.steps.push(performance.now() - seen.sent);
          seen.sent = null;
        }
      });
    }
    postMessage(message, ...rest) {
      if (message?.type?.startsWith('step')) seen.sent = performance.now();
      super.postMessage(message, ...rest);
    }
  };
  const frame = () => {
    performance.mark('frame');
    requestAnimationFrame(frame);
  };
  addEventListener('load', frame);
}

/** Sources of Chromium that post the tasks in which V8 and Blink collect garbage by themselves. */
const COLLECTORS = ['incremental-marking-job.cc', 'memory-reducer.cc', 'minor-gc-job.cc', 'sweeper.cc'];

/** Work of each frame, and the longest of the worker's tasks, in milliseconds, from a trace. */
function readTrace({ traceEvents }) {
  const threads = traceEvents.filter(({ name }) => name === 'thread_name');
  const marks = traceEvents.filter(({ name, cat }) => name === 'frame' && cat.includes('user_timing'));
  const { pid, tid } = marks[0];
  const tasksOf = (thread) =>
    traceEvents.filter(
      (event) =>
        event.pid === pid && event.tid === thread && event.ph === 'X' && event.name === 'ThreadControllerImpl::RunTask',
    );
  const starts = marks.map(({ ts }) => ts).sort((a, b) => a - b);
  const frames = starts
    .slice(1)
    .map((end, index) => ({ start: starts[index], interval: end - starts[index], wall: 0, cpu: 0, own: 0, tasks: [] }));
  let at = 0;
  for (const { ts, dur, tdur, args } of tasksOf(tid).sort((a, b) => a.ts - b.ts)) {
    // A frame's mark stands inside of the task that draws it: the task belongs to that frame.
    const end = ts + dur;
    while (at < frames.length && end > frames[at].start + frames[at].interval) at++;
    const frame = frames[at];
    if (!frame || end < frame.start) continue;
    frame.wall += dur / 1000;
    const cpu = (tdur ?? dur) / 1000;
    const from = args?.src_file?.split('/').at(-1) ?? '?';
    frame.cpu += cpu;
    if (!COLLECTORS.includes(from)) frame.own += cpu;
    frame.tasks.push({ cpu, from });
  }
  const workers = threads.filter((thread) => thread.pid === pid && thread.args.name.startsWith('DedicatedWorker'));
  const worker = workers.flatMap((thread) => tasksOf(thread.tid)).map(({ dur }) => dur / 1000);
  return { frames: frames.map((frame) => ({ ...frame, interval: frame.interval / 1000 })), worker };
}

const quantile = (values, part) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
};
const most = (values) => values.reduce((a, b) => Math.max(a, b), 0);

/** Milliseconds that a frame has where there are sixty a second. */
const LONGEST = 16;

const tasksText = ({ cpu, tasks }) =>
  `${cpu.toFixed(1)}: ${tasks
    .filter((task) => task.cpu > 1)
    .map((task) => `${task.cpu.toFixed(1)} ${task.from}`)
    .join(', ')}`;

function figuresOf(part, { frames, worker }, steps) {
  const cpu = frames.map((frame) => frame.cpu);
  return {
    part,
    frames: frames.length,
    over16: cpu.filter((each) => each > LONGEST).length,
    own: frames.filter((frame) => frame.own > LONGEST).length,
    long: frames.filter((frame) => frame.cpu > LONGEST).map(tasksText),
    p50: quantile(cpu, 0.5),
    p99: quantile(cpu, 0.99),
    most: most(cpu),
    mostWall: most(frames.map((frame) => frame.wall)),
    dropped: frames.filter(({ interval }) => interval > 25).length,
    worker: most(worker),
    step: steps.length > 0 ? quantile(steps, 0.5) : null,
    stepMost: steps.length > 0 ? most(steps) : null,
  };
}

async function main() {
  const server = spawn(process.execPath, ['scripts/serve-dist.js', String(PORT), '/'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await page.addInitScript(instrument);
    await page.addInitScript((stored) => {
      localStorage.setItem('stage2/1/slot', '"own"');
      localStorage.setItem('stage2/1/draft/own', stored);
    }, JSON.stringify(draft));
    await page.goto(BASE);
    const results = await measure(browser, page);
    if (json) console.log(JSON.stringify(results));
    else print(results);
  } finally {
    await browser.close();
    server.kill();
  }
}

async function measure(browser, page) {
  const results = [];
  const button = (name) => page.getByRole('toolbar', { name: 'Debug' }).getByRole('button', { name, exact: true });
  const state = page.getByRole('status', { name: 'State' });
  const wait = (ms) => page.waitForTimeout(ms);
  const part = async (name, action) => {
    if (only !== null && !name.includes(only)) {
      await action();
      return;
    }
    await wait(300);
    await page.evaluate(() => (globalThis.__frames.steps = []));
    await browser.startTracing(page, { categories: CATEGORIES.split(',') });
    await action();
    await wait(300);
    const trace = await browser.stopTracing();
    const steps = await page.evaluate(() => globalThis.__frames.steps);
    if (traceFile) writeFileSync(traceFile, trace);
    results.push(figuresOf(name, readTrace(JSON.parse(trace.toString())), steps));
    if (!json) console.error(name);
  };
  const open = async (name) => {
    const tab = page.getByRole('tab', { name, exact: true });
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
    return page.getByRole('tabpanel', { name, exact: true });
  };
  const press = async (key, times) => {
    for (let time = 0; time < times; time++) {
      const before = await page.evaluate(() => globalThis.__frames.steps.length);
      await page.keyboard.press(key);
      await page.waitForFunction((count) => globalThis.__frames.steps.length > count, before);
    }
  };
  /** As a held key: it repeats whether or not the step before has been answered. */
  const hold = async (key, times) => {
    for (let time = 0; time < times; time++) {
      await page.keyboard.down(key);
      await wait(33);
    }
    await page.keyboard.up(key);
  };
  const scroll = async (element) => {
    await element.hover();
    for (let turn = 0; turn < 60; turn++) await page.mouse.wheel(0, turn % 20 < 10 ? 400 : -390);
  };

  await button('Run').waitFor();
  await page.waitForFunction(() => !document.querySelector('[role="toolbar"] button')?.disabled);
  const tables = await open('Page tables');
  await button('Run').click();
  await part('running, the guest maps its pages', () => wait(1500));
  await open('Output');
  await page.getByRole('tabpanel', { name: 'Output', exact: true }).getByText('mapped').waitFor({ timeout: 300_000 });
  await open('Page tables');
  await part('running, roots of the tree', () => wait(2000));
  await button('Pause').click();
  await state.getByText('Paused').waitFor();

  await part('open all', () => tables.getByRole('button', { name: 'Open all' }).click());
  await part('merge off', () => tables.getByRole('button', { name: 'Merge' }).click());
  const tree = tables.getByRole('tree');
  await part('scrolling the tree', () => scroll(tree));
  await part('opening and closing tables', async () => {
    await tree.press('Home');
    for (let turn = 0; turn < 10; turn++) {
      await page.keyboard.press(turn % 2 === 0 ? 'ArrowLeft' : 'ArrowRight');
      await wait(100);
    }
  });
  await part('moving the selection, keys held', async () => {
    await tree.press('Home');
    for (const key of ['ArrowDown', 'PageDown', 'ArrowUp']) await hold(key, 25);
  });
  await page.keyboard.press('Escape');
  await part('F11, 60 steps, tree not merged', () => press('F11', 60));
  await part('F11 held, tree not merged', () => hold('F11', 60));
  await part('F10, 60 ioctls, tree not merged', () => press('F10', 60));
  await button('Continue').click();
  await part('running, tree not merged', () => wait(2000));
  await part('running and scrolling, tree not merged', () => scroll(tree));
  await tables.getByRole('button', { name: 'Merge' }).click();
  await part('running, tree merged', () => wait(2000));
  await tables.getByRole('button', { name: 'Changed only' }).click();
  await part('running, changed only', () => wait(2000));
  await button('Pause').click();
  await state.getByText('Paused').waitFor();
  await part('F10, 60 ioctls, changed only', () => press('F10', 60));
  await tables.getByRole('button', { name: 'Changed only' }).click();
  await part('F11, 60 steps, tree merged', () => press('F11', 60));
  for (const [shape, radio] of [
    ['cells', 'Cells'],
    ['text', 'Text'],
  ]) {
    await tables.getByRole('radio', { name: radio }).check({ force: true });
    await part(`F11, 60 steps, ${shape}`, () => press('F11', 60));
    await button('Continue').click();
    await part(`running, ${shape}`, () => wait(2000));
    await button('Pause').click();
    await state.getByText('Paused').waitFor();
  }
  for (const name of ['Memory map', 'Memory', 'Walk', 'Disassembly', 'Registers']) {
    const panel = await open(name);
    if (name === 'Walk') {
      await panel.getByRole('textbox').first().fill('0x80005000');
      await page.keyboard.press('Enter');
    }
    await part(`F11, 60 steps, ${name}`, () => press('F11', 60));
    await button('Continue').click();
    await part(`running, ${name}`, () => wait(2000));
    await button('Pause').click();
    await state.getByText('Paused').waitFor();
  }
  await open('Page tables');
  await part('quiet', () => wait(1000));
  return results;
}

function print(results) {
  console.log(`${PAGES} pages mapped; milliseconds of the main thread in a frame`);
  console.log(
    '| part | frames | median | p99 | most | most, wall | over 16 | but for V8’s | dropped | worker, longest | step, median | most |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  const ms = (value) => (value === null ? '' : value.toFixed(1));
  for (const row of results) {
    const { part, frames, p50, p99, over16, own, dropped, worker, step, stepMost } = row;
    console.log(
      `| ${[part, frames, ms(p50), ms(p99), ms(row.most), ms(row.mostWall), over16, own, dropped, ms(worker), ms(step), ms(stepMost)].join(' | ')} |`,
    );
  }
  const sum = (key) => results.reduce((all, row) => all + row[key], 0);
  console.log(`all parts: ${sum('frames')} frames, ${sum('over16')} over 16, ${sum('own')} but for V8’s`);
  for (const { part, long } of results) for (const frame of long) console.log(`${part}: ${frame}`);
}

await main();
