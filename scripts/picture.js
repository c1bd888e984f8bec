/** Makes docs/workbench.png of dist/, the README's picture: `node scripts/picture.js`, after a build. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { findChromium } from './find-chromium.js';

const FILE = fileURLToPath(new URL('../docs/workbench.png', import.meta.url));
/** Instructions of the guest up to its first store through both stages. */
const STORE = 29;
const PORT = 4900 + (process.pid % 90);

/** Stage 1 and stage 2 in one walk, where the guest has just stored through its new tables. */
async function toTheMoment(page) {
  await page.goto(`http://127.0.0.1:${PORT}/#lab=two-stages`);
  const button = (name) => page.getByRole('toolbar', { name: 'Debug' }).getByRole('button', { name, exact: true });
  const panel = async (name) => {
    await page.getByRole('tab', { name, exact: true }).click();
    return page.getByRole('tabpanel', { name, exact: true });
  };
  await page.getByRole('status', { name: 'State' }).getByText('before the first ioctl').waitFor();
  const guest = await panel('Guest');
  await guest.getByText('str', { exact: true }).first().waitFor();
  // The first step takes the script to the guest.
  for (let done = 0; done <= STORE; done++) {
    await button('Step instruction').click();
    await page.getByText('Instructions').locator('..').getByText(String(done), { exact: true }).waitFor();
  }
  await panel('Ioctls');
  const walk = await panel('Walk');
  await walk.getByRole('radio', { name: 'Read' }).check({ force: true });
  await walk.getByRole('textbox').first().fill('0x80005000');
  await page.keyboard.press('Enter');
  await walk.getByText('15 reads').waitFor();
  await panel('Memory map');
  await panel('Registers');
  await page.mouse.move(0, 0);
}

const server = spawn(process.execPath, ['scripts/serve-dist.js', String(PORT), '/'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await once(server.stdout, 'data');
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 860 }, colorScheme: 'dark' });
  await toTheMoment(page);
  await page.waitForTimeout(1000);
  await page.screenshot({ path: FILE });
} finally {
  await browser.close();
  server.kill();
}
console.log(`${FILE}: ${Math.ceil(statSync(FILE).size / 1024)} KiB`);
