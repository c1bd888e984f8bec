import fc from 'fast-check';

// Properties try the same cases each time; SEED=… tries others.
fc.configureGlobal({ seed: Number(process.env['SEED'] ?? 1) });
