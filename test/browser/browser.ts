/** Chromium for a test file: one browser, a page a test, closed when the file ends. */
import { existsSync } from "node:fs"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, onTestFinished } from "vitest"

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
/** It asks the network for nothing of its own. */
const QUIET = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
]

export function useBrowser(): { page(): Promise<Page> } {
  let browser: Browser | undefined
  beforeAll(async () => {
    const place = process.env["CHROMIUM"] ?? PLACES.find((path) => existsSync(path))
    if (place === undefined)
      throw new Error(`no Chromium: neither ${PLACES.join(", ")} nor what CHROMIUM names`)
    browser = await chromium.launch({ executablePath: place, args: QUIET })
  })
  afterAll(() => browser?.close())
  return {
    async page() {
      const context = await browser!.newContext({ ignoreHTTPSErrors: true })
      onTestFinished(() => context.close())
      return context.newPage()
    },
  }
}
