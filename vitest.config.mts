import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/handlers/**/*.test.ts", "tests/runtime/**/*.test.ts"],
    // What the functions of the example apps find in their environment; every test file adds its own endpoint.
    env: {
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_MAX_ATTEMPTS: "1",
      POWERTOOLS_LOG_LEVEL: "SILENT",
      USERS_TABLE: "users",
    },
    sequence: { shuffle: true },
    testTimeout: 60_000, // they only end what hangs: the machine may stand still for a while
    hookTimeout: 60_000,
  },
});
