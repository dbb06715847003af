/**
 * What is known of each runtime kind before one is chosen: the files that name it or its version, and how its start
 * commands look. Data only, and the only place in this folder that names kinds; `detect.ts` reads it.
 */
import { RUNTIME_NAMES, type RuntimeName } from "../../runtimes/app-spec.ts"

export interface Convention {
  readonly name: RuntimeName
  /** False: a valid name that this version cannot run. */
  readonly available: boolean
  /** Versions of it can be asked for. */
  readonly hasVersions: boolean
  /** It runs an entry file; otherwise it runs a command. */
  readonly hasEntry: boolean
  /** Files that hold nothing but its version. */
  readonly versionFiles: readonly string[]
  /** Its names in `.tool-versions`, `mise.toml`, `.prototools`, `engines`, `devEngines`. */
  readonly toolNames: readonly string[]
  /** Files whose presence in the app's folder means this runtime. */
  readonly markers: readonly string[]
  /** Conditions of package.json "exports" that it understands, best first. */
  readonly conditions: readonly string[]
  /** Of the keys that only some kinds heed, those that it does: `limits.memory`. */
  readonly heeds: readonly string[]
  /** Its start command takes names of scripts and tasks too, so a bare word is no file. */
  readonly runsTasks: boolean
}

const SCRIPT: Omit<Convention, "name"> = {
  available: true,
  hasVersions: true,
  hasEntry: true,
  versionFiles: [],
  toolNames: [],
  markers: [],
  conditions: [],
  runsTasks: false,
  heeds: [],
}
const LATER = { ...SCRIPT, available: false }

export const CONVENTIONS: Readonly<Record<RuntimeName, Convention>> = {
  node: {
    ...SCRIPT,
    name: "node",
    versionFiles: [".nvmrc", ".node-version"],
    toolNames: ["node", "nodejs"],
    conditions: ["node", "import", "module", "default", "require"],
  },
  bun: {
    ...SCRIPT,
    name: "bun",
    versionFiles: [".bun-version"],
    toolNames: ["bun"],
    markers: ["bun.lock", "bun.lockb", "bunfig.toml"],
    runsTasks: true,
    conditions: ["bun", "node", "import", "module", "default", "require"],
  },
  deno: {
    ...SCRIPT,
    name: "deno",
    versionFiles: [".deno-version", ".dvmrc"],
    toolNames: ["deno"],
    markers: ["deno.json", "deno.jsonc"],
    runsTasks: true,
    conditions: ["deno", "node", "import", "module", "default", "require"],
  },
  thread: {
    ...SCRIPT,
    name: "thread",
    heeds: ["cell", "limits.memory"],
    conditions: ["node", "import", "module", "default", "require"],
  },
  isolate: {
    ...SCRIPT,
    name: "isolate",
    heeds: [
      ...["cell", "policy", "outbound"],
      ...["limits.memory", "limits.memorySoft", "limits.cpu", "limits.cpuSoft"],
    ],
    hasVersions: false,
    conditions: ["workerd", "worker", "browser", "import", "module", "default"],
  },
  python: { ...LATER, name: "python" },
  ruby: { ...LATER, name: "ruby" },
  command: { ...SCRIPT, name: "command", hasVersions: false, hasEntry: false },
}

/** Kinds that can be detected, in the order in which their files are looked at. */
export const DETECTABLE: readonly Convention[] = Object.values(CONVENTIONS).filter(
  (one) => one.toolNames.length > 0,
)

/** The runtime of a folder with a package.json, or with an entry file, and nothing that says more. */
export const DEFAULT_CONVENTION: Convention = CONVENTIONS.node

/** The runtime of an app that gives a command and no runtime. */
export const COMMAND_CONVENTION: Convention = CONVENTIONS.command

export const AVAILABLE_RUNTIMES: readonly RuntimeName[] = RUNTIME_NAMES.filter(
  (name) => CONVENTIONS[name].available,
)

/** Files of tools that manage many runtimes, with how their lines look. */
export const TOOL_FILES: readonly {
  readonly file: string
  readonly form: "words" | "toml" | "toml-tools"
}[] = [
  { file: ".tool-versions", form: "words" },
  { file: "mise.toml", form: "toml-tools" },
  { file: ".mise.toml", form: "toml-tools" },
  { file: ".prototools", form: "toml" },
]

const ENTRY_NAMES = [
  ...["index", "main", "app", "application", "server", "start"],
  ...["src/index", "src/main", "src/server", "src/app"],
]
export const ENTRY_EXTENSIONS: readonly string[] = [
  ".js",
  ".mjs",
  ".cjs",
  ".ts",
  ".mts",
  ".cts",
  ".jsx",
  ".tsx",
]

/** Entry files that are looked for when nothing names one, in order. */
export const CONVENTIONAL_ENTRIES: readonly string[] = ENTRY_NAMES.flatMap((name) =>
  ENTRY_EXTENSIONS.map((extension) => name + extension),
)

/** Flags of start commands that take their value as the next word. */
export const FLAGS_WITH_VALUE: ReadonlySet<string> = new Set([
  ...["-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"],
  ...["--preload", "-c", "--config", "--import-map", "--port", "--host", "--cwd"],
])
