/**
 * Nothing that the applications of the captures planted may leave: every body of every emitter goes through gen_ai and
 * redaction as a pipeline has them, and what comes out is searched for every form of it.
 */
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Batches, Consumer, Processor, ProcessorFactory, Signal } from '../../src/component.ts'
import { type Capture, captures } from '../../src/otlp/captures.fixture.ts'
import { jsonToProtobuf } from '../../src/otlp/json_to_protobuf.ts'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import { redaction } from '../../src/processors/redaction/index.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { bookedAccount } from '../support/account.ts'
import { testHost } from '../support/host.ts'
import { Recorder } from '../support/recorder.ts'
import { type Canary, FormSearch, formsOf, readCanaries } from './canaries.ts'

const folder = new URL('../../../shared/data/captures/', import.meta.url)
const there = existsSync(folder)
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${folder.pathname}\n`)

describe.skipIf(!there)('canaries', () => {
  const canaries = there ? readCanaries(folder) : []
  const bodies = there ? captures() : []
  const personal = canaries.filter(({ kind }) => kind !== 'NAME')

  test('are in the bodies', () => {
    const search = searchOf(canaries)
    const found = bodies.flatMap(({ body }) => search(body))
    expect(found.length).toBeGreaterThan(1500)
    const missing = canaries.filter(({ name }) => !found.includes(name)).map(({ name }) => name)
    // Keys that authenticate the applications at their providers: no instrumentation sends them.
    expect(missing.filter((name) => !name.startsWith('auth_'))).toEqual([])
  })

  test('would be found if they were left', async () => {
    const search = searchOf(canaries)
    const run = pipeline('traces', { content: 'keep', detectors: [] })
    const left = new Set<string>()
    for (const capture of bodies) {
      if (capture.signal === 'traces') for (const name of search(await run(capture))) left.add(name)
    }
    expect(left.size).toBeGreaterThan(20)
  })

  test.each([
    ['the default config', {}, canaries],
    ['content: mask', { content: 'mask' }, personal],
    ['content: truncate', { content: 'truncate' }, personal],
    ['content: hash', { content: 'hash', hash_key: 'a key of sixteen characters' }, canaries],
  ] as const)('%s lets none out', async (_, config, wanted) => {
    const search = searchOf(wanted)
    const leaks: string[] = []
    const pipelines = {
      traces: pipeline('traces', config),
      logs: pipeline('logs', config),
      metrics: pipeline('metrics', config),
    }
    for (const capture of bodies) {
      const out = await pipelines[capture.signal](capture)
      for (const name of search(out)) leaks.push(`${capture.path} ${name}`)
    }
    expect(leaks).toEqual([])
  })
})

/** Which canaries are in some bytes, in any form. */
function searchOf(canaries: readonly Canary[]): (bytes: Buffer) => string[] {
  const search = new FormSearch()
  for (const { name, text } of canaries) for (const form of formsOf(text)) search.add(form, name)
  return (bytes) => [...search.namesIn(bytes)]
}

/** gen_ai, where it takes the signal, and redaction behind it. */
function pipeline<S extends Signal>(signal: S, config: unknown): (capture: Capture) => Promise<Buffer> {
  const recorder = new Recorder<S>()
  const last = create(redaction, config, signal, recorder)
  const first = genAi.signals.includes(signal) ? create(genAi, {}, signal, last) : last
  return async (capture) => {
    const body = capture.encoding === 'json' ? jsonToProtobuf(capture.name, capture.body) : capture.body
    recorder.taken.length = 0
    await bookedAccount(signal).feed(first, receive(signal, body).batch as Batches[S])
    return Buffer.concat(recorder.batches.map((batch) => batch.bytes))
  }
}

function create<S extends Signal, C>(
  factory: ProcessorFactory<C>,
  config: unknown,
  signal: S,
  next: Consumer<S>,
): Processor<S> {
  return factory.create(factory.schema.parse(config) as C, testHost({ id: factory.type }), signal, next)
}
