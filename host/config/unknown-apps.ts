/** Bindings to apps that the configuration does not have: warnings, since a call of one is answered 503 and nothing else fails. */
import type { BuiltApp } from "./app-spec.ts"
import { problemAt } from "./document.ts"
import type { Problem } from "./problem.ts"

export function unknownApps(built: readonly BuiltApp[], names: ReadonlySet<string>): readonly Problem[] {
  return built.flatMap(({ name, spec, source }) =>
    Object.entries(spec?.bindings ?? {}).flatMap(([binding, to]) => {
      if (to.kind !== "app" || names.has(to.app)) return []
      const message = `binding "${binding}" of app "${name}" is to app "${to.app}", which is not in this configuration: its calls are answered 503 (apps: ${[...names].join(", ")})`
      return [
        problemAt(source.document, [...source.at, "bindings", binding], message, { severity: "warning" }),
      ]
    }),
  )
}
