/** The tools that people use, against a whole host: over TLS by ALPN, and without TLS by prior knowledge. */
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createHost, type Host } from "../../host/index.ts"

const run = promisify(execFile)
const dir = mkdtempSync(join(tmpdir(), "polyhost-http2-"))
let host: Host
let urls: readonly string[] = []

beforeAll(async () => {
  const cert = join(dir, "cert.pem")
  const key = join(dir, "key.pem")
  const made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
  execFileSync("openssl", [...made.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" })
  writeFileSync(
    join(dir, "app.mjs"),
    `import { createServer } from "node:http"
createServer((request, response) => {
  if (request.url === "/trailers") {
    response.setHeader("Trailer", "x-status")
    response.write("body")
    response.addTrailers({ "x-status": "0" })
    return void response.end()
  }
  request.resume().on("end", () => response.end(request.url + " " + request.headers["x-forwarded-proto"] + "\\n"))
}).listen(0)`,
  )
  host = createHost(
    {
      listen: ["https://127.0.0.1:0", "http://127.0.0.1:0"],
      http2: { cleartext: true },
      tls: { certificates: [{ cert, key }] },
      apps: [
        {
          name: "app",
          dir,
          entry: "app.mjs",
          runtime: { name: "node", path: process.execPath },
          routes: ["/*"],
          envFile: false,
        },
      ],
    },
    { cwd: dir, log: () => undefined },
  )
  urls = await host.listen()
  await host.ready()
})

afterAll(async () => {
  await host.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Missing tools show as skipped tests. */
function isHere(tool: string): boolean {
  return spawnSync(tool, ["--version"]).status === 0
}

const LISTENERS = [
  ["over TLS", 0, "https"],
  ["without TLS", 1, "http"],
] as const

for (const [how, index, scheme] of LISTENERS) {
  describe(how, () => {
    test.skipIf(!isHere("curl"))("curl gets and posts", async () => {
      const knows = index === 0 ? "--http2" : "--http2-prior-knowledge"
      const told = ["-w", "%{http_version} %{http_code}"]
      const get = await run("curl", ["-sk", knows, ...told, `${urls[index]}/a?b`])
      expect(get.stdout).toBe(`/a?b ${scheme}\n2 200`)
      const post = await run("curl", ["-sk", knows, ...told, "-d", "x".repeat(100_000), `${urls[index]}/up`])
      expect(post.stdout).toBe(`/up ${scheme}\n2 200`)
    })

    test.skipIf(!isHere("nghttp"))("nghttp gets trailers, and many streams at a time", async () => {
      const trailers = await run("nghttp", ["-v", "--no-verify-peer", `${urls[index]}/trailers`])
      expect(trailers.stdout).toMatch(/:status: 200[\s\S]*x-status: 0/)
      const many = await run("nghttp", ["-ns", "-m", "50", "--no-verify-peer", `${urls[index]}/many`])
      expect(many.stdout.match(/ 200 +\S+ \/many/g)).toHaveLength(50)
    })

    test.skipIf(!isHere("h2load"))("h2load sees every answer", async () => {
      const { stdout } = await run("h2load", ["-n", "2000", "-c", "8", "-m", "16", `${urls[index]}/load`])
      expect(stdout).toContain("2000 succeeded, 0 failed, 0 errored, 0 timeout")
      expect(stdout).toContain("status codes: 2000 2xx")
    })
  })
}
