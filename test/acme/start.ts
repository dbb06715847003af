/** A site and its authority, for one test. */
import { onTestFinished } from "vitest"
import { type Site, type SiteOptions, startSite } from "./site.ts"
import { type AuthorityOptions, TestAuthority } from "./test-authority.ts"
import { TestClock } from "./test-clock.ts"

export const HOST = "shop.example.com"
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export interface Stage {
  readonly clock: TestClock
  readonly authority: TestAuthority
  readonly site: Site
  /** Another site with the same state, in place of the first. */
  again(settings?: Partial<SiteOptions["settings"]>): Promise<Site>
}

export async function startStage(
  settings: Partial<SiteOptions["settings"]> = {},
  options: Omit<AuthorityOptions, "clock"> = {},
): Promise<Stage> {
  const clock = new TestClock()
  const authority = await TestAuthority.start({ clock, ...options })
  onTestFinished(() => authority.close())
  const given = { hosts: [HOST], ...settings }
  const { directory, webRoot } = authority
  const open = async (more: object, stateDir?: string): Promise<Site> => {
    const site = await startSite({
      settings: { ...given, ...more },
      authority: { directory, webRoot },
      clock,
      ...(stateDir === undefined ? {} : { stateDir }),
    })
    authority.ports = site.ports
    return site
  }
  const site = await open({})
  return {
    clock,
    authority,
    site,
    async again(more = {}) {
      await site.close()
      return open(more, site.stateDir)
    },
  }
}
