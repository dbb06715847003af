/** How the tests run: in forked processes, so that one file's children, handles and cwd are never another's. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // Those of a browser need one: `npm run test:browser`.
    include: process.env["POLYHOST_TEST_BROWSER"] === "1" ? ["**/*.browser.ts"] : ["**/*.test.ts"],
    globalSetup: ["support/install-runtimes.ts"],
    pool: "forks",
    // On two cores: much of what tests do is waiting for processes and deadlines.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // A test that is switched off must not pass unseen.
    allowOnly: false,
  },
})
