/** What is built in is loaded when a config names it, and not before. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { builtIn, factoriesOf } from '../src/built_in.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

test.each(builtIn)('$kind $names.0 is what is said of it', async ({ kind, names, load }) => {
  const factory = await load()
  expect([factory.kind, factory.type, ...(factory.aliases ?? [])]).toEqual([kind, ...names])
})

test.each([
  [[], []],
  [[{ kind: 'exporter', type: 'nop' }], ['exporter nop']],
  [
    [
      { kind: 'receiver', type: 'otlp' },
      { kind: 'exporter', type: 'otlp' },
    ],
    ['receiver otlp', 'exporter otlp_grpc'],
  ],
] as const)('for %j it is %j', async (named, wanted) => {
  expect((await factoriesOf(named)).map(({ kind, type }) => `${kind} ${type}`)).toEqual(wanted)
})

test('where a type is not there, all are, to tell what may be meant', async () => {
  expect(await factoriesOf([{ kind: 'exporter', type: 'lokki' }])).toHaveLength(builtIn.length)
  expect(await factoriesOf([{ kind: 'receiver', type: 'nop' }])).toHaveLength(builtIn.length)
})

describe('a process loads', () => {
  const components = (urls: readonly string[]) =>
    urls.flatMap((url) => /\/src\/\w+s\/(\w+)\/index\.ts$/.exec(url)?.[1] ?? []).sort()
  const packages = (urls: readonly string[]) => [
    ...new Set(urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])),
  ]

  test('of components those that its config names', () => {
    const urls = loadedFor(
      'exporters: { nop: }, service: { pipelines: { traces: { receivers: [otlp], exporters: [nop] } } }',
    )
    expect(components(urls)).toEqual(['nop', 'otlp'])
    for (const name of UNUSED) expect(packages(urls)).not.toContain(name)
  })

  test('of packages with the shipped config those that it needs', () => {
    const urls = loaded(['validate', '--config', 'collector.yaml'])
    for (const name of UNUSED) expect(packages(urls)).not.toContain(name)
    expect(urls.filter((url) => url.includes('price_list.jsonl') || url.includes('aside_work'))).toEqual([])
  })
})

/** Needed by nobody before something is sent or received. */
const UNUSED = ['undici', '@pydantic/genai-prices']

function loadedFor(rest: string): string[] {
  const config = `yaml:{ receivers: { otlp: { protocols: { http: } } }, ${rest} }`
  return loaded(['validate', '--config', config])
}

/** The URLs of all modules that the command has loaded when it ends. */
function loaded(args: readonly string[]): string[] {
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { process.stdout.write(url + '\\n'); return next(url, context) } })`
  const node = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, 'src/main.ts', ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { cwd: root, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout.split('\n')
}
