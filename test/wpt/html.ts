/** Tests written as pages: their scripts, as far as they need nothing of the page. A reader for this suite's pages, no HTML parser. */

export interface PageScript {
  /** As written in `src`; null for an inline script. */
  readonly src: string | null
  readonly text: string
}

export interface Page {
  readonly scripts: readonly PageScript[]
  readonly variants: readonly string[]
  readonly long: boolean
  readonly title: string | null
  /** Why it cannot run without a document; null where it can. */
  readonly needs: string | null
}

const SCRIPT = /<script\b([^>]*)>([\s\S]*?)<\/script>/gi
const MARKUP =
  /<(?:iframe|form|input|img|body\s+\w|svg|style|object|embed|video|audio|canvas|textarea|template|frame|area|base)\b|<div id=(?!["']?log\b)/i
const DOCUMENT =
  /\bdocument\b|\bcreateElement|\bwindow\.(?:open|frames|parent|top|opener|onload)|\bnew (?:Shared)?Worker\b|\bonload\b|\bDOMParser\b|\bXMLHttpRequest\b|\bnavigator\.serviceWorker\b|\bparent\.|\bpostMessage\b/

export function readPage(html: string): Page {
  const scripts: PageScript[] = []
  for (const [, attributes = "", text = ""] of html.matchAll(SCRIPT)) {
    const type = attribute(attributes, "type")
    if (type === "module" || type === "importmap") return page(html, [], "module scripts of a page")
    if (type !== null && !/javascript/.test(type)) continue
    scripts.push({ src: attribute(attributes, "src"), text })
  }
  const markup = html.replace(SCRIPT, "")
  if (MARKUP.test(markup)) return page(html, [], "needs a document: elements of the page")
  if (scripts.some(({ text }) => DOCUMENT.test(text))) return page(html, [], "needs a document")
  return page(html, scripts, null)
}

function page(html: string, scripts: readonly PageScript[], needs: string | null): Page {
  const metas = [...html.matchAll(/<meta\b([^>]*)>/gi)].map(([, attributes = ""]) => attributes)
  const contents = (name: string): string[] =>
    metas.flatMap((meta) => (attribute(meta, "name") === name ? [attribute(meta, "content") ?? ""] : []))
  return {
    scripts,
    variants: contents("variant"),
    long: contents("timeout").includes("long"),
    title: /<title>([\s\S]*?)<\/title>/i.exec(html)?.[1]?.trim() ?? null,
    needs,
  }
}

function attribute(attributes: string, name: string): string | null {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(attributes)
  return match === null ? null : (match[1] ?? match[2] ?? match[3] ?? null)
}
