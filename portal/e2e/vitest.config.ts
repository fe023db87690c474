import { defineConfig } from "vitest/config";

// Browser tests against a running server (CORRENTE_URL). One at a time: they share its accounts.
export default defineConfig({
  test: {
    include: ["e2e/**/*.spec.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
