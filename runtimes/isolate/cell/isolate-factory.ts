/**
 * Makes isolates and contexts in which the web APIs and the guest stand ready, before any code of an app. From a V8 snapshot where one
 * can be made and passes its test, else from the script with V8's code cache, else from the script. An isolate is never used
 * twice, and what isolates have in common holds code only.
 */
import ivm from "isolated-vm"
import { isolateInspector } from "../../inspect/inside/isolate-inspector.ts"
import { START } from "../border.ts"
import type { IsolateFactory, IsolateOptions, StartedContext, StartKind } from "./factory.ts"
import { probe } from "./probe.ts"

const FILENAME = "polyhost:inside.js"
const MEBIBYTE = 1024 * 1024

/** `code`: the built script of `inside/`. Tries each way with a request through an isolate that is thrown away. */
export async function createIsolateFactory(code: string): Promise<IsolateFactory> {
  const remarks: string[] = []
  for (const make of [withSnapshot, withCodeCache]) {
    try {
      const factory = make(code, remarks)
      await probe(factory)
      return factory
    } catch (error) {
      remarks.push(`${make === withSnapshot ? "snapshot" : "code cache"}: ${String(error)}`)
    }
  }
  return withScript(code, remarks)
}

function withSnapshot(code: string, remarks: readonly string[]): IsolateFactory {
  const snapshot = ivm.Isolate.createSnapshot([{ code, filename: FILENAME }])
  return {
    kind: "snapshot",
    remarks,
    isolate: (options) => newIsolate(options, snapshot),
    inspector: (isolate, context) => isolateInspector(ivm, isolate, context),
    context: (isolate, inspect) => withStart(isolate.createContextSync({ inspector: inspect })),
    contextLater: async (isolate, inspect) =>
      withStartLater(await isolate.createContext({ inspector: inspect })),
  }
}

function withCodeCache(code: string, remarks: readonly string[]): IsolateFactory {
  const maker = new ivm.Isolate({ memoryLimit: 128 })
  const { cachedData } = maker.compileScriptSync(code, {
    filename: FILENAME,
    produceCachedData: true,
  }) as ivm.Script & { cachedData?: ivm.ExternalCopy<ArrayBuffer> }
  maker.dispose()
  if (cachedData === undefined) throw new Error("V8 made no code cache")
  return fromScript("code cache", remarks, (isolate) =>
    isolate.compileScriptSync(code, { filename: FILENAME, cachedData }),
  )
}

function withScript(code: string, remarks: readonly string[]): IsolateFactory {
  return fromScript("script", remarks, (isolate) => isolate.compileScriptSync(code, { filename: FILENAME }))
}

function fromScript(
  kind: StartKind,
  remarks: readonly string[],
  compile: (isolate: ivm.Isolate) => ivm.Script,
): IsolateFactory {
  return {
    kind,
    remarks,
    isolate: (options) => newIsolate(options),
    inspector: (isolate, context) => isolateInspector(ivm, isolate, context),
    context(isolate, inspect) {
      const context = isolate.createContextSync({ inspector: inspect })
      const script = compile(isolate)
      script.runSync(context)
      script.release()
      return withStart(context)
    },
    async contextLater(isolate, inspect) {
      const context = await isolate.createContext({ inspector: inspect })
      // Compiling alone runs nothing.
      const script = compile(isolate)
      await script.run(context)
      script.release()
      return withStartLater(context)
    },
  }
}

function newIsolate(
  { memoryBytes, inspect, onCatastrophicError }: IsolateOptions,
  snapshot?: ivm.ExternalCopy<ArrayBuffer>,
): ivm.Isolate {
  return new ivm.Isolate({
    memoryLimit: Math.max(8, Math.floor(memoryBytes / MEBIBYTE)),
    inspector: inspect,
    onCatastrophicError,
    ...(snapshot === undefined ? {} : { snapshot }),
  })
}

function withStart(context: ivm.Context): StartedContext {
  const start = context.global.getSync(START, { reference: true }) as ivm.Reference
  if (start.typeof !== "function") throw new Error("the script of the isolate has no start function")
  context.global.deleteSync(START)
  return { context, start }
}

async function withStartLater(context: ivm.Context): Promise<StartedContext> {
  const start = (await context.global.get(START, { reference: true })) as ivm.Reference
  await context.global.delete(START)
  return { context, start }
}
