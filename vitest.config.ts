import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['src/**/*.test.{ts,tsx}'], setupFiles: ['vitest.setup.ts'], testTimeout: 30_000 },
});
