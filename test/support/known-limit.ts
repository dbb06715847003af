/** Tests that a runtime's own limit makes pointless. They are not registered, so that a skipped test always means trouble. */
import { test } from "vitest"

/** `test`, or nothing where `limited`. The reason stands beside each use. */
export function testUnless(limited: boolean, name: string, run: () => Promise<void>): void {
  if (!limited) test(name, run)
}
