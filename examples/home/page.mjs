// HTML of the page. Everything that is not written here is escaped.
import { style } from "./style.mjs"

const BRANDS = { node: "Node.js", bun: "Bun", deno: "Deno", command: "command" }

export function renderApps(status, { self, origin }) {
  const apps = status.apps.filter((app) => app.name !== self)
  const versioned = status.apps.filter((app) => app.runtime.version !== "")
  const runtimes = new Set(versioned.map(({ runtime }) => `${runtime.name} ${runtime.version}`))
  const running = status.apps.filter((app) => app.state === "running").length
  return html`
    <dl class="facts">
      <div><dt>listener</dt><dd>${origin}</dd></div>
      <div><dt>apps</dt><dd>${status.apps.length} <small>${running} running</small></dd></div>
      <div><dt>runtimes</dt><dd>${runtimes.size}</dd></div>
      <div><dt>host</dt><dd>${status.host.version} <small>up ${upTime(status.host.uptimeSeconds)}</small></dd></div>
    </dl>
    <ul class="apps">${raw(apps.map(renderApp).join(""))}</ul>`
}

export function renderTrouble(error, socketPath) {
  return html`
    <section class="trouble">
      <h2>The host's admin socket does not answer</h2>
      <p>This page reads the state of the other apps from <code>${socketPath ?? "(no POLYHOST_ADMIN_SOCKET)"}</code>.</p>
      <p><code>${error.code ?? error.message}</code></p>
      <p>The host uses another state directory (<code>--state-dir</code>), or runs without an admin API. The apps
        themselves are served all the same, each at <code>/NAME/</code>.</p>
    </section>`
}

export function renderPage(main) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Polyhost examples</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cg fill='%234f6df5'%3E%3Ccircle cx='3' cy='3' r='3'/%3E%3Ccircle cx='13' cy='3' r='3'/%3E%3Ccircle cx='3' cy='13' r='3'/%3E%3Ccircle cx='13' cy='13' r='3'/%3E%3C/g%3E%3C/svg%3E">
<style>${style}</style>
</head>
<body>
<header>
  <h1>Polyhost</h1>
  <p>One listener, many apps, each on the runtime and version that it declares.</p>
</header>
<main>${main}</main>
<footer>This page is itself an app, on Node.js ${process.versions.node}. It asks the host every two seconds.</footer>
<script>
  setInterval(async () => {
    if (document.hidden) return
    const main = document.querySelector("main")
    const focused = document.activeElement?.getAttribute("href")
    try {
      const page = new DOMParser().parseFromString(await (await fetch("./")).text(), "text/html")
      main.replaceChildren(...page.querySelector("main").childNodes)
      main.classList.remove("stale")
      if (focused) main.querySelector('[href="' + CSS.escape(focused) + '"]')?.focus()
    } catch { main.classList.add("stale") }
  }, 2000)
</script>
</body>
</html>
`
}

function renderApp(app) {
  const { name, version } = app.runtime
  const path = pathOf(app)
  const memory = app.instances.reduce((total, one) => total + one.rssBytes, 0)
  const requests = app.instances.reduce((total, one) => total + one.requests, 0)
  const title =
    path === null
      ? html`<span class="name">${app.name}</span>`
      : html`<a class="name" href="${path}">${app.name}</a>`
  return html`
    <li class="app ${name}">
      <div class="top">${raw(title)}<span class="state ${app.state}">${app.state}</span></div>
      <p class="runtime"><b>${BRANDS[name] ?? name}</b> ${version === "" ? "any program" : version}</p>
      <p class="meta"><span>${app.interface === "auto" ? "not started" : app.interface}</span><span>${count(requests, "request")}</span>${raw(memory === 0 ? "" : html`<span>${Math.round(memory / 2 ** 20)} MiB</span>`)}</p>
      ${raw(app.lastError === null || app.state === "running" ? "" : html`<p class="error">${app.lastError.code}</p>`)}
    </li>`
}

/** Address of an app below this page: its first route for any host, `/shop/*` as `./shop/`. */
function pathOf(app) {
  const route = app.routes.find((one) => one.startsWith("/"))
  return route === undefined ? null : `.${route.replace(/\*$/, "")}`
}

function upTime(seconds) {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h`
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`
}

function raw(text) {
  return { text }
}

/** A template whose values are escaped, but for `raw` ones. */
function html(parts, ...values) {
  return parts.reduce((text, part, index) => {
    const value = values[index - 1]
    const safe =
      typeof value === "object"
        ? value.text
        : String(value).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
    return text + safe + part
  })
}
