/** How the tests run: in forked processes, so that one file's children, handles and cwd are never another's. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // `npm run test:slow` runs what takes long by its nature; `npm run test:browser` what needs a browser.
    include: [`**/*.${process.env["POLYHOST_TEST_KIND"] ?? "test"}.ts`],
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
