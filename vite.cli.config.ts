import { defineConfig } from 'vite';

/** Bundles the command line into dist-cli/; libraries stay where npm put them. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: 'src/cli/main.ts',
    outDir: 'dist-cli',
    target: 'node20',
    rollupOptions: { output: { entryFileNames: 'stage2.js' } },
  },
});
