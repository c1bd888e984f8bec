import { spawn } from 'node:child_process';

export interface Finished {
  readonly output: string;
  readonly errors: string;
  readonly status: number | null;
  /** User and system time of the whole process with its threads, in seconds. */
  readonly cpu: number;
}

/** What the shell's `times` prints last, those of its children: minutes and seconds of user and of system time. */
const TIMES = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/;
const SCRIPT = '"$@" 3>&-; status=$?; times >&3; exit $status';

/** Runs a program to its end, or kills it after `limit` seconds. */
export function run(command: string, args: readonly string[], limit = 600): Promise<Finished> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that the program can be ended with the shell.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sh', command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const texts = ['', '', '', ''];
    const timer = setTimeout(() => {
      texts[2] += `ended after ${limit} s`;
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    }, limit * 1000);
    [1, 2, 3].forEach((fd) => shell.stdio[fd]?.on('data', (data) => (texts[fd] += String(data))));
    shell.on('error', reject);
    shell.on('close', (status) => {
      clearTimeout(timer);
      const [, output = '', errors = '', times = ''] = texts;
      const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = (TIMES.exec(times) ?? []).slice(1).map(Number);
      resolve({ output, errors, status, cpu: (userMinutes + systemMinutes) * 60 + user + system });
    });
  });
}
