/** Addresses of an app that a person can open: from its routes and the host's listeners. */
import type { Route } from "../../runtimes/app-spec.ts"

/** The best first. Paths on any host come before host names, which need DNS, or a browser for `.localhost`. */
export function appUrls(routes: readonly Route[], listeners: readonly string[]): string[] {
  const listener = listeners.find((url) => url.startsWith("http"))
  if (listener === undefined) return routes.map((route) => `${listeners[0] ?? ""} ${routeText(route)}`)
  const { scheme, host, port } = splitUrl(listener)
  const ordered = [
    ...routes.filter((route) => route.host === "*"),
    ...routes.filter((route) => route.host !== "*"),
  ]
  return ordered.map((route) => {
    const name = route.host === "*" ? reachable(host) : route.host
    return `${scheme}://${name}${port}${pathText(route)}`
  })
}

/** `http://[::]:8080` listens everywhere and can be opened nowhere: this machine's own name stands for it. */
function reachable(host: string): string {
  return host === "[::]" || host === "0.0.0.0" ? "localhost" : host
}

function splitUrl(url: string): { scheme: string; host: string; port: string } {
  const [, scheme = "http", host = url, port = ""] = /^(https?):\/\/(.*?)(:\d+)?$/.exec(url) ?? []
  return { scheme, host, port: port === (scheme === "https" ? ":443" : ":80") ? "" : port }
}

function routeText(route: Route): string {
  return (route.host === "*" ? "" : route.host) + pathText(route)
}

/** A prefix is opened with its slash: relative links of the app's pages need it. */
function pathText({ path, prefix }: Route): string {
  return prefix && !path.endsWith("/") ? `${path}/` : path
}
