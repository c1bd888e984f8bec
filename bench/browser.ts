/** The kernels in Chromium's worker and in Node, by the wall's clock: `npm run bench:browser`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { withParameters } from './image.ts';
import { numbers } from './measure.ts';
import { readOptions } from './options.ts';
import { run } from './process.ts';
import { geometricMean, median } from './statistics.ts';
import { figure, table } from './table.ts';

const [root = '', bundles = '', chromiumPath = '', ...args] = process.argv.slice(2);

/** The bundles, and a page to start workers from. */
const FILES = new Map<string, readonly [type: string, text: string]>([
  ['/', ['text/html', '<!doctype html><title>bench</title>']],
  ...readdirSync(bundles, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [`/${name}`, ['text/javascript', readFileSync(join(bundles, name), 'utf8')]] as const),
]);

/** A worker for each run, as Node has a process for each. */
const IN_WORKER = `(base64) => new Promise((resolve, reject) => {
  const worker = new Worker('/browser-worker.mjs', { type: 'module' });
  worker.onerror = (event) => reject(new Error(event.message));
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(JSON.stringify(data)); };
  worker.postMessage(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)));
})`;

async function inBrowser(page: Page, image: Uint8Array): Promise<Record<string, number>> {
  const base64 = Buffer.from(image).toString('base64');
  return numbers(String(await page.evaluate(`(${IN_WORKER})(${JSON.stringify(base64)})`)));
}

async function inNode(image: Uint8Array): Promise<Record<string, number>> {
  const file = join(bundles, 'browser.bin');
  writeFileSync(file, image);
  const { output, errors, status } = await run(process.execPath, [join(bundles, 'node-guest.mjs'), file, 'on', 'wall']);
  if (status !== 0) throw new Error(errors);
  return numbers(output.split('\n')[0] ?? '');
}

async function main(): Promise<void> {
  const { kernels, rounds, quick } = readOptions(args);
  const image = new Uint8Array(readFileSync(join(root, 'bench/kernels/a64.bin')));
  const server = createServer((request, response) => {
    const [type, text] = FILES.get(request.url ?? '') ?? [];
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type ?? 'text/plain' }).end(text);
  }).listen(0, '127.0.0.1');
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    console.log(`Chromium ${browser.version()}, Node ${process.version}; seconds from the machine's start to its end`);
    const rows: string[][] = [];
    const ratios: number[] = [];
    for (const { name, what, number, repeats, few } of kernels) {
      const program = withParameters(image, number, quick ? few : repeats);
      const times: { readonly page: number; readonly node: number }[] = [];
      for (let round = 0; round < rounds; round++) {
        const there = await inBrowser(page, program);
        const here = await inNode(program);
        if (there['checksum'] !== here['checksum']) throw new Error(`${name}: the checksums differ`);
        times.push({ page: there['running'] ?? NaN, node: here['running'] ?? NaN });
      }
      const ratio = median(times.map((time) => time.page / time.node));
      ratios.push(ratio);
      const seconds = [median(times.map((time) => time.page)), median(times.map((time) => time.node))];
      rows.push([`${name} ${what}`, ...seconds.map((time) => figure(time, 2)), figure(ratio, 2)]);
    }
    rows.push(['geometric mean', '', '', figure(geometricMean(ratios), 2)]);
    console.log(table(['kernel', 'Chromium, s', 'Node, s', 'Chromium / Node'], rows));
  } finally {
    await browser.close();
    server.close();
  }
}

await main();
