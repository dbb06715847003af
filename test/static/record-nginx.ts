/**
 * Asks nginx for all of `rows.ts` and writes NGINX.md: `node test/static/record-nginx.ts`. Only needed when rows change; the tests
 * read the table, so that they need no nginx.
 */
import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nameOf, parse, type Raw, type Row, requestText, summaryOf } from "./requests.ts"
import { ROWS } from "./rows.ts"
import { makeTree } from "./tree.ts"

const PORT = 18_431

const dir = mkdtempSync(join(tmpdir(), "pht-nginx-"))
// Its workers are another user.
chmodSync(dir, 0o755)
const root = makeTree(dir)
writeFileSync(join(dir, "nginx.conf"), configuration(dir, root))
const nginx = spawn("nginx", ["-c", join(dir, "nginx.conf"), "-e", join(dir, "error.log")], {
  stdio: "inherit",
})
try {
  const version = await untilUp()
  const lines: string[] = []
  for (const row of ROWS) {
    const answer = summaryOf(parse(await send(requestText(row, await seenBefore(row)))))
    lines.push(
      `| \`${cell(nameOf(row))}\` | \`${cell(answer)}\` | ${row.ours === undefined ? "" : `\`${cell(row.ours)}\``} | ${row.why ?? ""} |`,
    )
  }
  const file = join(import.meta.dirname, "NGINX.md")
  writeFileSync(file, `${head(version)}\n${lines.join("\n")}\n`)
} finally {
  nginx.kill()
  await new Promise((resolve) => nginx.once("exit", resolve))
  rmSync(dir, { recursive: true, force: true })
}

async function seenBefore(row: Row): Promise<Raw | null> {
  return /\{/.test(JSON.stringify(Object.values(row.headers ?? {})))
    ? parse(await send(requestText({ target: row.target }, null)))
    : null
}

async function untilUp(): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return parse(await send(requestText({ target: "/" }, null))).headers.get("server") ?? ""
    } catch (error) {
      if (attempt > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

function send(text: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(PORT, "127.0.0.1")
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.on("end", () => resolve(Buffer.concat(chunks)))
    socket.on("error", reject)
    socket.write(text, "latin1")
  })
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("`", "'")
}

function head(version: string): string {
  return `# Static files: the host and nginx

Answers of ${version} (\`gzip_static\`, \`gzip_vary\`, else its defaults) to the requests of \`rows.ts\` on the tree of \`tree.ts\`, recorded by
\`record-nginx.ts\`. \`nginx.test.ts\` asks the host the same: where the third column is empty it answers as nginx does, else what stands
there, for the reason beside it. Types are compared without their charset, redirects without scheme and host, error pages not at all.

| request | nginx | the host, where it differs | why |
| --- | --- | --- | --- |`
}

function configuration(place: string, files: string): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (it) => `${it}_temp_path ${join(place, it)};`,
  )
  return `daemon off; worker_processes 1; pid ${join(place, "pid")};
events {}
http { include /etc/nginx/mime.types; default_type application/octet-stream; access_log off; ${temps.join(" ")}
server { listen 127.0.0.1:${PORT}; root ${files}; gzip_static on; gzip_vary on; large_client_header_buffers 4 16k; } }
`
}
