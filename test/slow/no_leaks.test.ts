/**
 * Nothing planted leaves the daemon: every captured body goes into the shipped collector.yaml with a sampler that keeps all,
 * and what then comes out of every opening of the process is searched for every planted text in every form.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { captures as capturedBodies } from '../../src/otlp/captures.fixture.ts'
import { oracleObject } from '../../src/otlp/oracle.fixture.ts'
import { type Canary, readCanaries } from '../quality/canaries.ts'
import { type GroupOptions, logBatch, metricBatch, traceBatch } from '../support/otlp.ts'
import { type Body, type Exit, exitsOf } from './exits.fixture.ts'
import { joinedLeaksOf, leaksOf, searchFor, searchForParts, traceOf } from './leaks.fixture.ts'
import { captures as folder, haveShared } from './processes.fixture.ts'

/** What the ids of made traces begin with. */
const MADE = 'aaaaaaaa'
const glued = (...parts: string[]) => parts.join('')

/** Kinds that no application of the captures planted. */
const others: readonly Canary[] = [
  { name: 'made.ip', kind: 'IP', text: '203.0.113.77' },
  { name: 'made.ip6', kind: 'IP', text: '2001:db8:85a3::8a2e:370:7334' },
  {
    name: 'made.jwt',
    kind: 'JWT',
    text: glued('eyJhbGciOiJIUzI1NiJ9.', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0.', 'dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'),
  },
  {
    name: 'made.private_key',
    kind: 'PRIVATE_KEY',
    text: glued('-----BEGIN ', 'PRIVATE KEY-----\nMIIEvCanary7q2x\n-----END ', 'PRIVATE KEY-----'),
  },
  { name: 'made.url', kind: 'URL_CREDENTIAL', text: glued('postgres://app:', 'c4n4ry7q2xSecret@db.example/x') },
]

/** What the applications' prompts, documents, tools and answers say: no personal data, but content. */
const content: readonly Canary[] = [
  'support assistant of Quillfeather Books',
  'was charged twice',
  'found the duplicate charge',
  'Refunds are paid within five working days',
  'assistant of a lock keeper',
].map((text) => ({ name: `“${text}”`, kind: 'CONTENT', text }))

const instructions = content.filter(({ text }) => text.includes('assistant of'))
const answers = content.filter(({ text }) => text.startsWith('found the'))

/**
 * What `mask` is known to leave, by what the row of a leak has in it: an answer that was streamed into an event per piece,
 * and a document that its emitter cut in the middle of a number. Nothing of it is left by default.
 */
const knownUnderMask: readonly (readonly string[])[] = [
  ['python/mlflow', 'events mlflow.chunk.value »'],
  ['python/openinference-haystack', 'SSN rag_document.ssn, its beginning'],
  ['store | - | some bytes | SSN rag_document.ssn, its beginning'],
]

describe.skipIf(!haveShared())('nothing planted leaves (skipped where ../shared is missing)', () => {
  const directories: string[] = []
  const canaries = haveShared() ? [...readCanaries(folder), ...others] : []
  const personal = canaries.filter(({ kind }) => kind !== 'NAME')
  const captureOfTrace = new Map<string, string>()
  const captureOf = (trace: string) => captureOfTrace.get(trace) ?? (trace.startsWith(MADE) ? 'made' : '-')
  let bodies: Body[]

  beforeAll(() => {
    bodies = [...captured(captureOfTrace), ...personal.flatMap(made), ...broken(personal)]
  })

  afterAll(() => {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true })
  })

  function run(policy: string, redaction?: object): Promise<Exit[]> {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-no-leaks-'))
    directories.push(directory)
    return exitsOf(directory, policy, bodies, redaction)
  }

  const leaks = (exits: readonly Exit[], wanted: readonly Canary[], search = searchFor) =>
    leaksOf(exits, search(wanted), captureOf)
  const joined = (exits: readonly Exit[], wanted: readonly Canary[]) =>
    [searchFor, searchForParts].flatMap((search) => joinedLeaksOf(exits, search(wanted), captureOf))

  describe('by default', () => {
    let exits: Exit[]
    beforeAll(async () => {
      exits = await run('') // As if it were not set.
    })

    test('no personal data, no secret, no name', () => expect(leaks(exits, canaries)).toEqual([]))
    test('no part of them, and none in pieces', () => {
      expect(leaks(exits, canaries, searchForParts)).toEqual([])
      expect(joined(exits, canaries)).toEqual([])
    })
    test('no content', () => expect(leaks(exits, content)).toEqual([]))
    test('telemetry came out at every exit', () => expectTraffic(exits))
  })

  describe('with SLUICE_CONTENT=mask', () => {
    let exits: Exit[]
    beforeAll(async () => {
      exits = await run('mask')
    })

    test('no personal data and no secret', () => expect(leaks(exits, personal)).toEqual([]))
    test('no part of them, and none in pieces, but for what is known', () => {
      const rows = [...leaks(exits, personal, searchForParts), ...joined(exits, personal)]
      expect(rows.filter((row) => !knownUnderMask.some((known) => known.every((text) => row.includes(text))))).toEqual(
        [],
      )
    })
    test('content is there', () => {
      const found = exitsIn(leaks(exits, content))
      for (const exit of ['Tempo', 'Loki', 'store', 'API trace', 'API logs']) expect(found).toContain(exit)
    })
  })

  describe('with answers masked and all else dropped', () => {
    let exits: Exit[]
    beforeAll(async () => {
      exits = await run('', { content: { default: 'drop', assistant: 'mask' } })
    })

    test('no personal data and no secret', () => expect(leaks(exits, personal)).toEqual([]))
    test('nothing of instructions', () => expect(leaks(exits, instructions)).toEqual([]))
    test('answers are there', () => expect(exitsIn(leaks(exits, answers))).toContain('Tempo'))
  })

  test('without redaction it is found at every exit, but never in what the daemon says of itself', async () => {
    const found = leaks(await run('keep', { detectors: [] }), personal)
    expect(exitsIn(found)).toEqual(
      new Set(['API logs', 'API trace', 'API traces', 'Loki', 'Tempo', 'metrics', 'store']),
    )
    for (const exit of ['Tempo', 'Loki', 'metrics', 'API trace', 'API logs'])
      for (const kind of new Set(personal.map((canary) => canary.kind)))
        expect(
          found.some((row) => row.startsWith(`${exit} |`) && row.includes(`| ${kind} `)),
          `${kind} in ${exit}`,
        ).toBe(true)
  })
})

function exitsIn(rows: readonly string[]): Set<string> {
  return new Set(rows.map((row) => row.split(' | ')[0]!))
}

function expectTraffic(exits: readonly Exit[]): void {
  const sizes: Record<string, number> = {}
  for (const { name, bytes } of exits) sizes[name] = (sizes[name] ?? 0) + bytes.length
  for (const name of ['Tempo', 'Loki', 'store', 'API trace', 'API logs'])
    expect(sizes[name], name).toBeGreaterThan(1_000_000)
  for (const name of ['metrics', 'own metrics', 'API traces', 'API pipeline', 'headers'])
    expect(sizes[name], name).toBeGreaterThan(1000)
  expect(sizes['log'], 'log').toBeGreaterThan(500)
}

/** All captured bodies; notes of which capture each of their traces is. */
function captured(captureOfTrace: Map<string, string>): Body[] {
  return capturedBodies().map(({ path, signal, encoding, name, body }) => {
    const tree = encoding === 'json' ? JSON.parse(body.toString()) : oracleObject(name, body)
    for (const trace of tracesOf(tree)) captureOfTrace.set(trace, path.replace(/\/[^/]*$/, ''))
    return { signal, type: encoding === 'json' ? 'json' : 'x-protobuf', bytes: body }
  })
}

function* tracesOf(tree: unknown): Iterable<string> {
  if (typeof tree !== 'object' || tree === null) return
  const trace = traceOf(tree as Record<string, unknown>)
  if (trace !== undefined) yield trace
  for (const inner of Object.values(tree)) yield* tracesOf(inner)
}

/** A text at the places that become labels, names, lines and lists behind the pipeline. */
function made({ text }: Canary, at: number): Body[] {
  const trace = MADE + `${at + 1}`.padStart(24, '0')
  const json = JSON.stringify({ a: [text] })
  const attributes = {
    note: `it is ${text}, ok`,
    [`key ${text}`]: 1,
    json,
    twice: JSON.stringify({ json }),
    base64: Buffer.from(`it is ${text}, ok`).toString('base64'),
    bytes: Buffer.from(text),
  }
  const group: GroupOptions = {
    resource: { 'service.name': `shop ${text}`, 'service.namespace': text, 'user.note': text },
    scope: { name: `scope ${text}`, version: text, attributes },
  }
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': `m ${text}`,
    'gen_ai.response.model': text,
    'gen_ai.response.id': text,
    'gen_ai.provider.name': text,
    'gen_ai.conversation.id': text,
    'gen_ai.agent.name': text,
    'gen_ai.response.finish_reasons': [text],
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: text }] }]),
    'error.type': text,
    'user.id': text,
    'gen_ai.usage.input_tokens': 3,
    ...attributes,
  }
  const status = { code: 2, message: `refused: ${text}` }
  const events = [{ name: `event ${text}`, attributes }]
  const spans = [
    { trace, id: '1112131415161718', name: `chat ${text}`, attributes: call, status, events },
    { trace, id: '1112131415161719', name: `GET /${text}`, attributes, status, events },
  ]
  const records = [
    { trace, body: `it is ${text}, ok`, attributes, event: `event ${text}`, severityText: text },
    { body: { nested: [{ deep: text }], [text]: 1 }, attributes },
  ]
  const metrics = [
    { name: 'made.things', unit: text, points: [{ attributes, value: at }], more: { description: text } },
  ]
  const batches = [traceBatch(spans, group), logBatch(records, group), metricBatch(metrics, group)]
  return batches.map(({ signal, bytes }) => ({ signal, type: 'x-protobuf', bytes }))
}

/** Bodies that cannot be read, broken where a planted text stands, so that a parser may be tempted to quote it. */
function broken(canaries: readonly Canary[]): Body[] {
  return canaries.flatMap(({ text }) =>
    [`{"resourceSpans":${text}}`, `{"resourceSpans":"${text}"}`, `{"${text}`, `${text}`].map((json) => ({
      signal: 'traces',
      type: 'json' as const,
      bytes: Buffer.from(json),
      status: 400,
    })),
  )
}
