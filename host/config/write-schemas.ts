/** Build step: writes the published JSON Schemas. Run by `node host/config/write-schemas.ts`. */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { z } from "zod"
import { appManifestSchema, hostConfigSchema } from "./schema.ts"

const folder = new URL("../../dist/schema/", import.meta.url)
mkdirSync(fileURLToPath(folder), { recursive: true })
for (const [file, schema] of [
  ["host.json", hostConfigSchema],
  ["app.json", appManifestSchema],
] as const) {
  // Editors read comments and trailing commas themselves; the two keywords are VS Code's.
  const published = {
    ...z.toJSONSchema(schema, { io: "input" }),
    allowComments: true,
    allowTrailingCommas: true,
  }
  writeFileSync(fileURLToPath(new URL(file, folder)), `${JSON.stringify(published, null, 2)}\n`)
}
