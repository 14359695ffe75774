import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ['{apps,libs,deploy}/**/*.spec.ts'],
    globalSetup: ['libs/testing/src/kafka-run.setup.ts'],
    setupFiles: ['libs/testing/src/documented-answers.setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
