/**
 * What of the suite is run: areas of the APIs that an isolate has. `goal` marks the areas of which at least 95 % of the subtests
 * that make sense on a server have to pass. Folders named nowhere here are about APIs that an isolate does not have.
 */

export interface Area {
  readonly name: string
  /** Path from the suite's root. */
  readonly prefix: string
  readonly goal: boolean
}

const area = (prefix: string, goal: boolean): Area => ({ name: prefix.replace(/\/$/, ""), prefix, goal })

export const AREAS: readonly Area[] = [
  area("url/", true),
  area("urlpattern/", false),
  area("encoding/", true),
  area("fetch/api/headers/", true),
  area("fetch/api/request/", true),
  area("fetch/api/response/", true),
  area("fetch/api/body/", true),
  area("fetch/api/abort/", false),
  area("fetch/api/basic/", false),
  area("fetch/api/redirect/", false),
  area("fetch/api/idlharness", false),
  area("fetch/content-type/", false),
  area("fetch/content-encoding/", false),
  area("fetch/data-urls/", false),
  area("fetch/http-cache/", false),
  area("FileAPI/blob/", true),
  area("FileAPI/file/", true),
  area("FileAPI/idlharness", false),
  area("FileAPI/reading-data-section/", false),
  area("streams/", true),
  area("dom/abort/", true),
  area("dom/events/", false),
  area("html/webappapis/structured-clone/", true),
  area("html/webappapis/atob/", true),
  area("html/webappapis/timers/", true),
  area("html/webappapis/microtask-queuing/", false),
  area("html/webappapis/scripting/reporterror", false),
  area("compression/", true),
  area("WebCryptoAPI/digest/", true),
  area("WebCryptoAPI/getRandomValues", true),
  area("WebCryptoAPI/randomUUID", true),
  area("WebCryptoAPI/", false),
  area("console/", false),
  area("hr-time/", false),
  area("user-timing/", false),
  area("performance-timeline/", false),
  area("webidl/ecmascript-binding/", false),
  area("xhr/formdata/", false),
  area("mimesniff/", false),
  area("wasm/jsapi/", false),
  area("wasm/webapi/", false),
  area("eventsource/", false),
  area("websockets/", false),
]

/** The area of a file: the longest prefix. */
export function areaOf(path: string): Area | null {
  const fitting = AREAS.filter(({ prefix }) => path.startsWith(prefix))
  return fitting.sort((a, b) => b.prefix.length - a.prefix.length)[0] ?? null
}

/** Whether an area lies below this folder (with a slash at its end). */
export function holdsArea(folder: string): boolean {
  return AREAS.some(({ prefix }) => prefix.startsWith(folder))
}
