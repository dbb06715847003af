/** The folder of files that static files are tested with: the same for nginx, whose answers stand in NGINX.md. */
import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { brotliCompressSync, gzipSync } from "node:zlib"

export const MODIFIED = new Date("2024-05-06T07:08:09Z")

/** `public` below `dir`, and beside it what nobody may see. Content does not change from one time to the next. */
export function makeTree(dir: string): string {
  const root = join(dir, "public")
  const write = (name: string, content: string | Uint8Array): void => {
    const path = join(dir, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    utimesSync(path, MODIFIED, MODIFIED)
  }
  for (const [name, content] of Object.entries(FILES)) write(`public/${name}`, content)
  write("public/app.js.gz", gzipSync(FILES["app.js"]!))
  write("public/all.css.gz", gzipSync(FILES["all.css"]!))
  write("public/all.css.br", brotliCompressSync(FILES["all.css"]!))
  // No zstd in every Node that the host runs on: any bytes do.
  write("public/all.css.zst", "not zstd, but sent as it is")
  write("secret.txt", "secret")
  write("outside/secret.txt", "secret")
  write("public-sibling/secret.txt", "secret")
  const link = (target: string, name: string): void => symlinkSync(target, join(root, name))
  link("hello.txt", "link-in.txt")
  link("docs", "link-dir-in")
  link("../secret.txt", "link-out.txt")
  link("../outside", "link-dir-out")
  link("../public-sibling", "link-dir-sibling")
  link("nowhere", "link-dangling")
  link("link-loop", "link-loop")
  link("/dev/zero", "link-device")
  execFileSync("mkfifo", [join(root, "fifo")])
  return root
}

export function bytesOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255))
}

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "index.html": "<h1>home</h1>\n",
  "hello.txt": "hello world\n",
  "empty.txt": "",
  "data.bin": bytesOf(1000),
  "100k.bin": bytesOf(100 * 1024),
  "300k.bin": bytesOf(300 * 1024),
  "app.js": "console.log('app')\n".repeat(40),
  "all.css": "a{color:red}\n".repeat(40),
  "page.html": "<p>page</p>\n",
  "data.json": "{}\n",
  "image.svg": "<svg/>",
  "image.png": "png",
  "font.woff2": "woff2",
  "module.wasm": "wasm",
  "archive.tar.gz": "tar",
  noextension: "no extension",
  "unknown.extension-x": "unknown",
  "UPPER.TXT": "upper",
  "docs/index.html": "<h1>docs</h1>\n",
  "docs/page.html": "<h1>page</h1>\n",
  "noindex/a.txt": "a",
  "deep/a/b/c/d.txt": "deep",
  "dir.d/x.txt": "x",
  "with space.txt": "space",
  "per%cent.txt": "percent",
  "%41.txt": "literal percent",
  "ünï.txt": "unicode",
  "日本.html": "日本",
  "emoji😀.txt": "emoji",
  "a+b.txt": "plus",
  "semi;colon.txt": "semicolon",
  "quo'te.txt": "quote",
  'dou"ble.txt': "double quote",
  "hash#.txt": "hash",
  "ques?.txt": "question",
  "amp&.txt": "ampersand",
  "back\\slash.txt": "backslash",
  "colon:x.txt": "colon",
  "tilde~.txt": "tilde",
  "less<.txt": "less",
  "pipe|.txt": "pipe",
  "dots..txt": "dots",
  "trailing.": "trailing",
  "new\nline.txt": "newline",
  "index.html.bak": "backup",
  "..dots.txt": "two dots in front",
  ".hidden": "hidden",
  ".env": "SECRET=1",
  ".git/config": "git",
  ".hidden-dir/file.txt": "hidden",
  ".well-known/security.txt": "security",
  ".well-known/.secret": "secret",
  "deep/.hidden/file.txt": "hidden",
  "deep/.well-known/file.txt": "hidden",
}
