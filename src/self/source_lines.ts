/**
 * For a bundle: stack traces name the lines of the sources. The maps are read when a stack is looked at; Node's own
 * `--enable-source-maps` reads all of them at the start and keeps them, which takes 8 MB.
 */
import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Gone when memory is collected: who looks at many stacks in a row reads each map once. */
const maps = new Map<string, WeakRef<SourceMap>>()

Error.prepareStackTrace = (error, sites) =>
  [titleOf(error), ...sites.map((site) => `    at ${lineOf(site)}`)].join('\n')

function titleOf(error: unknown): string {
  try {
    return Error.prototype.toString.call(error)
  } catch {
    return 'Error'
  }
}

function lineOf(site: NodeJS.CallSite): string {
  const text = String(site)
  const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()]
  if (!file?.startsWith('file:') || line === null || column === null) return text
  const origin = mapOf(file)?.findOrigin(line, column)
  if (origin === undefined || !('fileName' in origin)) return text
  const source = origin.fileName.replace(/^(\.\.\/)+/, '')
  return text.replace(`${file}:${line}:${column}`, `${source}:${origin.lineNumber}:${origin.columnNumber}`)
}

/** Undefined where there is none: Node's own files, and what was loaded by hand. */
function mapOf(file: string): SourceMap | undefined {
  const known = maps.get(file)?.deref()
  if (known !== undefined) return known
  try {
    const map = new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(file)}.map`, 'utf8')) as SourceMapPayload)
    maps.set(file, new WeakRef(map))
    return map
  } catch {
    return undefined
  }
}
