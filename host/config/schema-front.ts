/**
 * Fields of an app that say what the host does in front of it: static files, files sent in the app's place, compression,
 * WebSocket limits, sticky sessions. What they come to is `front.ts` and `settings.ts`.
 */
import { z } from "zod"
import { age, duration, expected, flag, size, text } from "./schema-fields.ts"

export const STATIC_TEXT =
  "Files that the host answers itself, without the app, and without starting one that is not running."
export const SENDFILE_TEXT =
  'What the app may have the host send in its place: X-Accel-Redirect names URLs below "path", X-Sendfile files below "dir".'

const urlPath = text("a path").regex(/^\/[^?#\\]*$/, expected('a path that starts with "/"'))

export const staticFolder = z
  .strictObject(
    {
      path: urlPath.describe('Path in the app: "/assets/*" for a folder, "/robots.txt" for one file.'),
      dir: text("the path of a folder").optional().describe("Folder of the files, relative to the app's."),
      file: text("the path of a file").optional().describe("The one file of a path without /*."),
      index: z
        .union(
          [text("the name of a file"), z.literal(false)],
          expected('a name such as "index.html", or false'),
        )
        .optional()
        .describe('File that answers for a folder; false for none. Default: "index.html".'),
      fallback: text("the path of a file")
        .optional()
        .describe(
          'File below "dir" that answers for pages that are no file: "index.html" of a single-page app.',
        ),
      missing: z
        .enum(["app", "404"], expected("app or 404"))
        .optional()
        .describe('Who answers for a path that is no file. Default: "404"; for "/*" the app.'),
      cache: z
        .union([age, z.literal("immutable")], expected('a duration such as "1h", "immutable" or "off"'))
        .optional()
        .describe(
          'How long clients may use an answer without asking again; "off" sends no Cache-Control. Default: they always ask.',
        ),
      precompressed: flag
        .optional()
        .describe(
          "Send x.js.br, x.js.zst or x.js.gz in the place of x.js where the client takes it. Default: true.",
        ),
    },
    expected('an object such as {"path": "/assets/*", "dir": "public"}'),
  )
  .superRefine(({ path, dir, file }, context) => {
    const isFolder = path.endsWith("/*") || (path === "/" && file === undefined)
    if (isFolder ? dir === undefined || file !== undefined : file === undefined || dir !== undefined)
      context.addIssue({
        code: "custom",
        message: isFolder
          ? 'a path with /* needs "dir", the folder of its files, and no "file"'
          : 'a path without /* needs "file", and no "dir"; for a folder write it with /*',
      })
  })

export const sendfileFolder = z.strictObject(
  {
    path: urlPath
      .endsWith("/*", expected('a path that ends with "/*"'))
      .describe('What X-Accel-Redirect may name: "/private/*". Clients cannot ask for it.'),
    dir: text("the path of a folder").describe("Folder of the files, relative to the app's."),
  },
  expected('an object such as {"path": "/private/*", "dir": "private"}'),
)

export const compression = z
  .union(
    [
      flag,
      z.strictObject({
        encodings: z
          .array(
            z.enum(["zstd", "br", "gzip"], expected("zstd, br or gzip")),
            expected('a list such as ["br", "gzip"]'),
          )
          .min(1, expected("at least one coding"))
          .optional()
          .describe('Content codings, best first. Default: ["zstd", "br", "gzip"].'),
        min: size.optional().describe('Bodies known to be shorter are sent as they are. Default: "1KB".'),
      }),
    ],
    expected('true, false, or an object such as {"encodings": ["gzip"]}'),
  )
  .describe("Compress answers of the app for clients that take it. Default: false.")

export const webSocket = z
  .strictObject(
    {
      message: size
        .optional()
        .describe('Longest message of a client; more closes with 1009. Default: "16MB".'),
      ping: duration
        .optional()
        .describe('Between pings; a client that does not answer one is cut off. Default: "30s".'),
      idle: duration
        .optional()
        .describe('Longest time without a message, either way; then closed with 1001. Default: "off".'),
      compression: flag.optional().describe("permessage-deflate for clients that offer it. Default: false."),
    },
    expected('an object such as {"message": "1MB"}'),
  )
  .describe(
    "WebSocket connections of an app with websocket hooks. Servers that speak it themselves have their own limits.",
  )

export const sticky = z
  .enum(["auto", "cookie", "address", "off"], expected("auto, cookie, address or off"))
  .describe(
    'What keeps a client with one instance: "auto": a socket.io session; "cookie"; "address" of the client. Default: "auto".',
  )
