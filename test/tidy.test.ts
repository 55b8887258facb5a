/** Rules of the house that neither the compiler nor the linter knows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = new URL('../', import.meta.url).pathname
const COMPONENTS = ['receivers', 'processors', 'connectors', 'exporters', 'extensions']

/** Files and folders of `src` from the ground up: each may import itself and what stands on an earlier line. */
const layers: readonly (readonly string[])[] = [
  ['otlp', 'refusal.ts'],
  ['self'],
  ['telemetry'],
  ['component.ts'],
  ['not_accounted.ts', 'telemetry_store.ts', 'config', 'content'],
  ['gen_ai', 'items', 'journal', 'traces', 'net', 'waiting'],
  ['drift', 'sending', 'steps'],
  ['pipeline'],
  COMPONENTS,
  ['built_in.ts'],
  ['components.ts'],
  ['lifecycle'],
  ['daemon.ts'],
  ['run.ts'],
  ['command_line.ts'],
  ['main.ts'],
  ['bundled.ts'],
]

const LINES_MAX = 400
/** Tables of cases are long. */
const TEST_LINES_MAX = 600
/** So many files of a folder are seen at a glance; what tests it is not counted. */
const ROOM_FILES_MAX = 15

/** File names that mean the same in every folder. */
const SHARED_FILE_NAMES = [
  // A component's factory, and the schema of its config; of a simulation, the config that it runs.
  'index.ts',
  'config.ts',
  // Where a process begins, and what it runs.
  'main.ts',
  'run.ts',
]
/**
 * Reads a varint and where it ends, at the bottom of every loop over bytes. Everybody else returns what is found, a number
 * that says where it is, or fills what the caller has: results in a module are gone with the next call.
 */
const CURSOR = 'src/otlp/cursor.ts'
/** Functions that are asked for by name: what the worker thread does with a job. */
const SHARED_EXPORTS = ['work']

interface Source {
  /** From the project's root: `src/otlp/cursor.ts`. */
  readonly path: string
  readonly text: string
}

const sources = ['src', 'test', 'scripts'].flatMap((folder) => filesIn(folder)).map(sourceOf)
const shipped = sources.filter(({ path }) => path.startsWith('src/') && !isTest(path))

describe('imports', () => {
  test('every file and folder of src has its layer', () => {
    const known = new Set(layers.flat())
    const entries = [...new Set(shipped.map(({ path }) => topOf(path)))]
    expect(entries.filter((entry) => !known.has(entry))).toEqual([])
  })

  test('go one way', () => {
    const layerOf = (path: string) => layers.findIndex((layer) => layer.includes(topOf(path)))
    const wrong = importsOf(shipped).filter(
      ({ from, to }) => to.startsWith('src/') && topOf(from) !== topOf(to) && layerOf(to) >= layerOf(from),
    )
    expect(wrong.map(shown)).toEqual([])
  })

  test('make no circle', () => {
    expect(circlesOf(importsOf(shipped))).toEqual([])
  })

  test('components do not import each other', () => {
    const wrong = importsOf(shipped).filter(
      ({ from, to }) =>
        COMPONENTS.includes(topOf(from)) && COMPONENTS.includes(topOf(to)) && folderOf(from) !== folderOf(to),
    )
    expect(wrong.map(shown)).toEqual([])
  })

  test('what is shipped needs nothing that is only for tests', () => {
    const wrong = importsOf(shipped).filter(({ to }) => !to.startsWith('src/') || isTest(to))
    expect(wrong.map(shown)).toEqual([])
  })

  test('what is shipped does not import Node’s HTTP but its types: see net/http/http_module.ts', () => {
    expect(matching(shipped, /^import (?!type )[^'`]*? from 'node:http'/m)).toEqual([])
  })

  test('what is shipped imports only packages that are dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const packages = shipped.flatMap(({ path, text }) =>
      specifiersOf(text)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
        .map((name) => ({ path, name: name.split('/', name.startsWith('@') ? 2 : 1).join('/') })),
    )
    expect(packages.filter(({ name }) => dependencies[name] === undefined)).toEqual([])
  })
})

describe('files', () => {
  test(`have at most ${LINES_MAX} lines, tests ${TEST_LINES_MAX}`, () => {
    const long = sources
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ path, lines }) => lines > (isTest(path) ? TEST_LINES_MAX : LINES_MAX))
    expect(long).toEqual([])
  })

  test('have no default exports', () => {
    expect(matching(sources, /^export default |^export \{[^}]*\bas default\b/m)).toEqual([])
  })

  test('end the process only where it begins', () => {
    const wrong = matching(shipped, /process\.(exit|abort|reallyExit)\(/)
    expect(wrong.filter((path) => path !== 'src/command_line.ts' && path !== 'src/run.ts')).toEqual([])
  })

  test(`are at most ${ROOM_FILES_MAX} in a folder`, () => {
    const rooms = Map.groupBy(shipped, ({ path }) => dirname(path))
    const full = [...rooms].filter(([, files]) => files.length > ROOM_FILES_MAX)
    expect(full.map(([room, files]) => `${room}: ${files.length}`)).toEqual([])
  })

  test('have a name of their own', () => {
    const files = sources.filter(({ path }) => !/\.(test|fixture)\.ts$/.test(path))
    const names = Map.groupBy(files, ({ path }) => basename(path))
    expect(repeated(names).filter(([name]) => !SHARED_FILE_NAMES.includes(name))).toEqual([])
  })

  test('export no type and no function under the name of another', () => {
    const exported = shipped.flatMap(({ path, text }) => exportsOf(text).map((name) => ({ path, name })))
    const names = Map.groupBy(exported, ({ name }) => name)
    expect(repeated(names).filter(([name]) => !SHARED_EXPORTS.includes(name))).toEqual([])
  })

  test('return nothing through variables of a module', () => {
    expect(shipped.filter(({ path }) => path !== CURSOR).flatMap(moduleVariablesOf)).toEqual([])
  })

  test('are not named after nothing in particular', () => {
    expect(
      sources.map(({ path }) => path).filter((path) => /(manager|helper|util|common|misc)s?\b/i.test(path)),
    ).toEqual([])
  })

  test('name no place on the machine that they were written on', () => {
    expect(matching(sources, /\/(work|home|Users)\/[a-z]/)).toEqual([])
  })
})

test('the lock file names no registry', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  expect(lock).not.toMatch(/"resolved"\s*:\s*"(https?|git)/)
  expect(lock).not.toMatch(/\/\/(registry|npm)\.|artifactory|nexus/i)
  const settings = join(root, '.npmrc')
  if (existsSync(settings)) expect(readFileSync(settings, 'utf8')).not.toMatch(/registry\s*=|_auth/)
})

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
}

function sourceOf(path: string): Source {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

/** Tests, what only they use, and everything outside of `src`. */
function isTest(path: string): boolean {
  return /\.(test|fixture)\.ts$/.test(path) || !path.startsWith('src/')
}

/** Entry of `src` under which the file is: `otlp`, `daemon.ts`. */
function topOf(path: string): string {
  return path.split('/')[1]!
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 3).join('/')
}

function importsOf(list: readonly Source[]): { from: string; to: string }[] {
  return list.flatMap(({ path, text }) =>
    specifiersOf(text)
      .filter((name) => name.startsWith('.'))
      .map((name) => ({ from: path, to: normalize(join(dirname(path), name)) })),
  )
}

/** Ways that lead from a file back to it; of those that share a file, one. */
function circlesOf(list: readonly { from: string; to: string }[]): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    const begin = way.indexOf(path)
    if (begin >= 0) circles.push([...way.slice(begin), path].join(' → '))
    if (begin >= 0 || done.has(path)) return
    for (const { from, to } of list) if (from === path) visit(to, [...way, path])
    done.add(path)
  }
  for (const { from } of list) visit(from, [])
  return circles
}

/** What the file imports, types included. */
function specifiersOf(text: string): string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...statements].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!)
}

/** Classes, interfaces, types and functions that a file exports, each once: overloads repeat their name. */
function exportsOf(text: string): string[] {
  const declarations = text.matchAll(
    /^export (?:declare |async |abstract )*(?:class|interface|type|function\*?) ([A-Za-z_]\w*)/gm,
  )
  return [...new Set([...declarations].map(([, name]) => name!))]
}

/**
 * Variables of the module, and its objects whose members are assigned, here or by who imports them. Arrays that a function
 * fills and reads before it returns, and instances of classes, are what is left to share.
 */
function moduleVariablesOf({ path, text }: Source): string[] {
  const variables = [...text.matchAll(/^(?:export )?let (\w+)/gm)].map(([, name]) => name!)
  const objects = [...text.matchAll(/^(?:export )?const (\w+)(?:: [^=\n]+)? = \{/gm)].map(([, name]) => name!)
  const readers = shipped.filter((other) => other.path === path || specifiersOf(other.text).some(isThis))
  const assigned = objects.filter((name) => {
    const change = new RegExp(
      `(?<![.\\w])${name}\\.\\w+ (?:[-+*|&^]?=(?!=)|>>>?=|<<=)|(?<![.\\w])${name}\\.\\w+(?:\\+\\+|--)|(?:\\+\\+|--)${name}\\.`,
    )
    return readers.some((other) => change.test(other.text))
  })
  return [...variables, ...assigned].map((name) => `${path}: ${name}`)

  function isThis(specifier: string): boolean {
    return specifier.endsWith(`/${basename(path)}`)
  }
}

/** Names that stand for more than one thing, and where. */
function repeated(names: ReadonlyMap<string, readonly { readonly path: string }[]>): [string, string[]][] {
  return [...names]
    .filter(([, entries]) => entries.length > 1)
    .map(([name, entries]) => [name, entries.map(({ path }) => path)])
}

function matching(list: readonly Source[], pattern: RegExp): string[] {
  return list.filter(({ path, text }) => path !== 'test/tidy.test.ts' && pattern.test(text)).map(({ path }) => path)
}

function shown({ from, to }: { from: string; to: string }): string {
  return `${from} → ${to}`
}
