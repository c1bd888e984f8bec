import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function onPath() {
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const name of NAMES) if (folder && existsSync(join(folder, name))) return join(folder, name);
  return null;
}

function playwrightsOwn() {
  const path = chromium.executablePath();
  if (existsSync(path)) return path;
  console.log('No Chromium on this machine: trying Playwright’s own.');
  spawnSync('npx', ['playwright', 'install', 'chromium'], { stdio: 'inherit', timeout: 180_000 });
  return existsSync(path) ? path : null;
}

function debians() {
  if (!existsSync('/usr/bin/apt-get')) return null;
  console.log('Installing Debian’s chromium.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: 'inherit', env });
  } catch {
    return null;
  }
  return onPath();
}

/** Path of a Chromium to test with: one that is there, else Playwright's own, else Debian's package. */
export function findChromium() {
  const found = process.env.STAGE2_CHROMIUM ?? onPath() ?? playwrightsOwn() ?? debians();
  if (!found) throw new Error('No Chromium: install one, or name it in STAGE2_CHROMIUM.');
  return found;
}
