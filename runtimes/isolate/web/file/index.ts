/** Blob and File. */
import { exposeInterfaces } from "../idl.ts"
import { Blob } from "./blob.ts"
import { File } from "./file.ts"

export function installFile(target: object): void {
  exposeInterfaces(target, { Blob, File })
}
