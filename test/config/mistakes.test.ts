// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions are what is tested
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError, formatProblems } from '../../src/config/problem.ts'
import { factories } from './factories.ts'

/** Every mistake is a YAML file; beside it stands, to the letter, what the user is told. */
const folder = new URL('./mistakes/', import.meta.url)
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -5)] : []))
/** Stands in the files wherever a secret may be written. */
const SECRET = 's3cr3t'
const variables = { LOOP: '${env:LOOP}', TIMEOUT: SECRET }

function read(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8')
}

function told(text: string): string {
  try {
    const readFile = (path: string) => (path === 'config.yaml' ? text : read(path))
    loadConfig({ configs: ['config.yaml'] }, factories, { variables, readFile })
    return ''
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return formatProblems(error.problems)
  }
}

describe('mistakes', () => {
  test('there are at least twenty', () => expect(names.length).toBeGreaterThanOrEqual(20))

  test.each(names)('%s', async (name) => {
    const text = told(read(`${name}.yaml`)).replaceAll('config.yaml:', `${name}.yaml:`)
    await expect(text).toMatchFileSnapshot(fileURLToPath(new URL(`${name}.txt`, folder)))
  })

  test.each(names)('%s says where and what to do, and no secret', (name) => {
    const text = read(`${name}.txt`)
    expect(text).toMatch(new RegExp(`^${name}\\.yaml:\\d+:\\d+: error: `))
    expect(text).not.toContain(SECRET)
  })
})

test('no damage to a config makes a message show a secret', () => {
  const seed = Date.now() % 1e9
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const sound = `receivers:
  otlp: { protocols: { grpc: } } # ${SECRET}
exporters:
  otlp_grpc:
    endpoint: tempo:4317
    headers:
      authorization: ${SECRET}
      x-token: "${SECRET}"
    tls: { ca_pem: '${SECRET}', insecure: true }
extensions:
  api: { token: ${SECRET} }
service:
  extensions: [api]
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_grpc] }
`
  expect(told(sound)).toBe('')
  const inserted = [
    ' ',
    '\n',
    ':',
    '"',
    "'",
    '{',
    '}',
    '[',
    '-',
    '#',
    '&',
    '*',
    '\t',
    'x',
    ': ',
    '|',
    '>',
    '!',
    '${',
    '}}',
  ]
  const at = secretPositions(sound)
  for (let round = 0; round < 1500; round++) {
    const place = random(sound.length)
    const cut = random(3) === 0 ? random(12) : random(2)
    // Damage inside the secret itself would only make another text of it.
    if (at.some((start) => place < start + SECRET.length && place + cut > start)) continue
    const damaged = sound.slice(0, place) + inserted[random(inserted.length)] + sound.slice(place + cut)
    expect(told(damaged), `seed ${seed}, round ${round}:\n${damaged}`).not.toContain(SECRET)
  }
})

function secretPositions(text: string): number[] {
  return [...text.matchAll(new RegExp(SECRET, 'g'))].map(({ index }) => index)
}
