/** The `{{…}}` of files whose names say `.sub.`, as far as the suite's tests for servers use them. */

export function substitute(text: string, url: URL): string {
  const port = url.port === "" ? "80" : url.port
  const values: Readonly<Record<string, string>> = {
    host: url.hostname,
    "hosts[][]": url.hostname,
    "hosts[][www]": `www.${url.hostname}`,
    "hosts[alt][]": "not-web-platform.test",
    "domains[]": url.hostname,
    "domains[www]": `www.${url.hostname}`,
    "domains[www1]": `www1.${url.hostname}`,
    "domains[www2]": `www2.${url.hostname}`,
    "location[server]": url.origin,
    "location[scheme]": url.protocol.slice(0, -1),
    "location[host]": url.host,
    "location[hostname]": url.hostname,
    "location[port]": port,
    "location[path]": url.pathname,
    "location[query]": url.search,
    "ports[http][0]": port,
    "ports[http][1]": port,
    "ports[https][0]": port,
    "ports[https][1]": port,
    "ports[ws][0]": port,
  }
  return text.replace(/\{\{([^}]+)\}\}/g, (whole, name: string) => {
    const key = name.trim()
    const get = /^GET\[(.+)\]$/.exec(key)
    return get === null ? (values[key] ?? whole) : (url.searchParams.get(get[1]!) ?? "")
  })
}
