/** The routes of a host's apps, for the router: also of those whose configuration is wrong, so that they are named. */
import type { AppSpec } from "../runtimes/app-spec.ts"
import type { RouteEntry } from "./router.ts"

export function* routesOf<Target>(
  apps: Iterable<Target & { readonly spec: AppSpec }>,
  broken: Iterable<{ readonly name: string }>,
): Iterable<RouteEntry<Target | { readonly broken: string }>> {
  for (const app of apps) for (const route of app.spec.routes) yield { route, target: app }
  for (const { name } of broken) {
    const target = { broken: name }
    yield { route: { host: `${name}.localhost`, path: "/", prefix: true }, target }
    yield { route: { host: "*", path: `/${name}`, prefix: true }, target }
  }
}
