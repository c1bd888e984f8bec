import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  // The worker's libraries: found late, they would make the dev server reload the page once.
  optimizeDeps: {
    include: [
      '@jitl/quickjs-wasmfile-release-sync',
      'quickjs-emscripten-core',
      'sucrase',
      'sucrase/dist/parser/index.js',
      'sucrase/dist/parser/tokenizer/types.js',
    ],
  },
  build: {
    target: 'es2022',
    // Monaco and its TypeScript worker come late, in chunks of their own.
    chunkSizeWarningLimit: 8000,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
