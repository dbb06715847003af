/**
 * Finds the app of a request by host and path. Exact host before wildcard host before any host; then the longest path.
 * The work for a request does not grow with the number of apps. No I/O, no state but the table.
 */
import type { Route } from "../runtimes/app-spec.ts"

export interface RouteMatch<T> {
  readonly target: T
  /** What `stripPrefix` removes: the route's path without a trailing slash, "" when there is nothing to remove. */
  readonly prefix: string
}

export interface RouteEntry<T> {
  readonly route: Route
  readonly target: T
}

export interface Router<T> {
  /** `host` in lower case without port, `path` without query. */
  find(host: string, path: string): RouteMatch<T> | undefined
}

interface Bucket<T> {
  readonly exact: Map<string, RouteMatch<T>>
  readonly prefixes: Map<string, RouteMatch<T>>
  /** Length of the longest prefix: a longer path is cut before it is looked up. */
  longest: number
}

export function createRouter<T>(entries: Iterable<RouteEntry<T>>): Router<T> {
  const hosts = new Map<string, Bucket<T>>()
  const wildcards = new Map<string, Bucket<T>>()
  const any: Bucket<T> = { exact: new Map(), prefixes: new Map(), longest: 0 }
  for (const { route, target } of entries) {
    const bucket =
      route.host === "*"
        ? any
        : route.host.startsWith("*.")
          ? bucketOf(wildcards, route.host.slice(1))
          : bucketOf(hosts, route.host)
    const path = trimSlash(route.path)
    const match = { target, prefix: route.prefix ? path : "" }
    if (route.prefix) {
      bucket.prefixes.set(path, match)
      bucket.longest = Math.max(bucket.longest, path.length)
    } else bucket.exact.set(route.path, match)
  }
  return {
    find(host, path) {
      const exact = hosts.get(host)
      const found = exact === undefined ? undefined : findPath(exact, path)
      return (
        found ?? (wildcards.size > 0 ? findWildcard(wildcards, host, path) : undefined) ?? findPath(any, path)
      )
    },
  }
}

function bucketOf<T>(buckets: Map<string, Bucket<T>>, key: string): Bucket<T> {
  let bucket = buckets.get(key)
  if (bucket === undefined) {
    bucket = { exact: new Map(), prefixes: new Map(), longest: 0 }
    buckets.set(key, bucket)
  }
  return bucket
}

function findWildcard<T>(
  wildcards: Map<string, Bucket<T>>,
  host: string,
  path: string,
): RouteMatch<T> | undefined {
  // The longest suffix first: `.b.example.com` before `.example.com`. The first dot may not be at the start.
  for (let dot = host.indexOf(".", 1); dot !== -1; dot = host.indexOf(".", dot + 1)) {
    const bucket = wildcards.get(host.slice(dot))
    const found = bucket === undefined ? undefined : findPath(bucket, path)
    if (found !== undefined) return found
  }
  return undefined
}

function findPath<T>(bucket: Bucket<T>, path: string): RouteMatch<T> | undefined {
  const exact = bucket.exact.get(path)
  if (exact !== undefined) return exact
  const { prefixes } = bucket
  if (prefixes.size === 0) return undefined
  let end = path.length > bucket.longest ? path.lastIndexOf("/", bucket.longest) : path.length
  while (end > 0) {
    const found = prefixes.get(path.slice(0, end))
    if (found !== undefined) return found
    end = path.lastIndexOf("/", end - 1)
  }
  return prefixes.get("")
}

function trimSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path
}
