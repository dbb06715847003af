/** Where version managers keep what they installed, as data. Folder names are exact versions, so nothing is run. */
import { join } from "node:path"
import type { Environment, RuntimeSource, ToolchainName } from "./types.ts"

export interface ManagerFolder {
  readonly source: RuntimeSource
  /** Holds one folder a version, with or without a leading `v`. */
  readonly folder: string
  /** Path of the binary inside a version's folder; the first that exists counts. */
  readonly binaries: readonly string[]
}

export function managerFolders(name: ToolchainName, env: Environment): ManagerFolder[] {
  const home = env["HOME"] ?? ""
  const data = env["XDG_DATA_HOME"] || under(home, ".local/share")
  const bin = [join("bin", name), name]
  const folder = (source: RuntimeSource, root: string, below: string, binaries: readonly string[] = bin) =>
    root === "" ? [] : [{ source, folder: join(root, below), binaries }]

  const mise = env["MISE_DATA_DIR"] || under(data, "mise")
  const asdf = env["ASDF_DATA_DIR"] || under(home, ".asdf")
  const proto = env["PROTO_HOME"] || under(home, ".proto")
  const shared = [
    ...folder("mise", mise, `installs/${name}`),
    ...folder("asdf", asdf, `installs/${name === "node" ? "nodejs" : name}`),
    ...folder("proto", proto, `tools/${name}`),
  ]
  if (name === "bun") return shared
  if (name === "deno")
    return [...shared, ...folder("dvm", env["DVM_DIR"] || under(home, ".dvm"), "versions", ["deno"])]

  const fnmRoots = new Set([
    env["FNM_DIR"] || under(data, "fnm"),
    under(home, ".fnm"),
    under(home, "Library/Application Support/fnm"),
  ])
  return [
    ...folder("nvm", env["NVM_DIR"] || under(home, ".nvm"), "versions/node"),
    ...[...fnmRoots].flatMap((root) => folder("fnm", root, "node-versions", ["installation/bin/node"])),
    ...folder("volta", env["VOLTA_HOME"] || under(home, ".volta"), "tools/image/node"),
    ...shared,
    ...folder("n", env["N_PREFIX"] || "/usr/local", "n/versions/node"),
    ...folder("nodenv", env["NODENV_ROOT"] || under(home, ".nodenv"), "versions"),
    ...folder("pnpm", env["PNPM_HOME"] || under(data, "pnpm"), "nodejs"),
  ]
}

/** The installers' own places, which hold one version each and are often not on a service's PATH. */
export function ownFolders(
  name: ToolchainName,
  env: Environment,
): { source: RuntimeSource; folder: string }[] {
  const home = env["HOME"] ?? ""
  if (name === "bun")
    return [{ source: "bun", folder: join(env["BUN_INSTALL"] || under(home, ".bun"), "bin") }]
  if (name === "deno")
    return [{ source: "deno", folder: join(env["DENO_INSTALL"] || under(home, ".deno"), "bin") }]
  return []
}

/**
 * PATH folders of shims: what runs there depends on the working directory, so it has no version of its own.
 * The versions behind them are found in their manager's folder.
 */
export function isShimFolder(folder: string): boolean {
  return /[/\\](shims|\.volta[/\\]bin|\.proto[/\\]bin)[/\\]?$/.test(folder)
}

function under(root: string, below: string): string {
  return root === "" ? "" : join(root, below)
}
