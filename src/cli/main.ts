import { stage2 } from './stage2.ts';

/** A reader that has seen enough (`stage2 trace … | head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await stage2(process.argv.slice(2));
