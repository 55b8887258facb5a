/**
 * Bodies of real instrumentations. The applications put made-up personal data and keys (canaries) everywhere: none of
 * the kinds that are looked for may be left, and nothing else may change.
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { detectors } from '../../content/detectors/detectors.ts'
import { type Capture, captures } from '../../otlp/captures.fixture.ts'
import { decode, type Value } from '../../otlp/codec.ts'
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { policiesOfGroups, schema } from './config.ts'
import { RedactionTally } from './redaction_tally.ts'
import { Redactor } from './redactor.ts'

const collection = new URL('../../../../shared/data/captures/', import.meta.url)
const there = existsSync(collection)
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${collection.pathname}\n`)

/** Names of the canaries of kinds that have a detector. */
const SOUGHT = /e?mail|card|key|phone|iban|ssn/
/** Changed although no canary is in it: a hash under the name of a key, in the JSON of another tool. */
const KNOWN_FALSE = /^crew_tasks$/

function canaries(): [name: string, text: string][] {
  return ['python/canaries.json', 'js/CANARIES.json'].flatMap((file) =>
    Object.entries<string>(JSON.parse(readFileSync(new URL(file, collection), 'utf8'))),
  )
}

function redactors(content: string) {
  const policies = policiesOfGroups(schema.parse({ content }).content)
  const of = <S extends Signal>(signal: S) => new Redactor(signal, { detectors, policies, masksSecrets: true })
  const all = { traces: of('traces'), logs: of('logs'), metrics: of('metrics') }
  return (batch: Batches[Signal], tally: RedactionTally) =>
    (all[batch.signal] as Redactor<Signal>).redact(batch as Batches['traces'], tally)
}

function batchOf(capture: Capture): Batches[Signal] {
  const body = capture.encoding === 'json' ? jsonToProtobuf(capture.name, capture.body) : capture.body
  return receive(capture.signal, body).batch
}

/** Every text and number with the path to it; attributes are named by their key. */
function* leaves(value: Value | undefined, path = '', key = ''): Generator<[path: string, key: string, leaf: Value]> {
  if (Array.isArray(value)) {
    for (const [at, one] of value.entries()) yield* leaves(one, `${path}/${at}`, key)
  } else if (typeof value === 'object' && !Buffer.isBuffer(value)) {
    const inner = typeof value['key'] === 'string' ? value['key'] : key
    for (const [name, one] of Object.entries(value)) yield* leaves(one, `${path}/${name}`, inner)
  } else if (value !== undefined) yield [path, key, Buffer.isBuffer(value) ? value.toString('latin1') : value]
}

describe.skipIf(!there)('captures', () => {
  const all = there ? captures() : []
  const planted = there ? canaries() : []

  test('mask: no canary is left, nothing else changes, JSON stays JSON', () => {
    const redact = redactors('mask')
    const sought = planted.filter(([name]) => SOUGHT.test(name))
    const left: string[] = []
    const changed: string[] = []
    const broken: string[] = []
    let present = 0
    for (const capture of all) {
      const batch = batchOf(capture)
      const redacted = redact(batch, new RedactionTally())
      const [before, after] = [batch, redacted].map((one) => one.bytes.toString('latin1')) as [string, string]
      present += sought.filter(([, text]) => before.includes(text)).length
      for (const [name, text] of sought) if (after.includes(text)) left.push(`${capture.path} ${name}`)
      if (redacted === batch) continue
      const now = new Map(
        [...leaves(decode(capture.name, redacted.bytes))].map(([path, , leaf]) => [path, leaf] as const),
      )
      for (const [path, key, leaf] of leaves(decode(capture.name, batch.bytes))) {
        const text = String(leaf)
        if (now.get(path) === leaf) continue
        if (!planted.some(([, one]) => text.includes(one)) && !KNOWN_FALSE.test(key))
          changed.push(`${capture.path} ${key}`)
        if (parses(text) && !parses(String(now.get(path)))) broken.push(`${capture.path} ${key}`)
      }
    }
    expect(present).toBeGreaterThan(1000)
    expect({ left, changed, broken }).toEqual({ left: [], changed: [], broken: [] })
  })

  test('drop: no canary of any kind is left', () => {
    const redact = redactors('drop')
    const left = new Set<string>()
    for (const capture of all) {
      const redacted = redact(batchOf(capture), new RedactionTally())
      for (const [path, key, leaf] of leaves(decode(capture.name, redacted.bytes)))
        if (planted.some(([, text]) => String(leaf).includes(text)))
          left.add(key === '' ? path.replace(/\d+/g, 'N') : key)
    }
    expect([...left].sort()).toEqual([])
  })

  test('a second pass changes nothing', () => {
    for (const content of ['mask', 'drop']) {
      const redact = redactors(content)
      for (const capture of all) {
        const once = redact(batchOf(capture), new RedactionTally())
        const twice = redact(once, new RedactionTally())
        expect(twice.bytes.equals(once.bytes), `${content} ${capture.path}`).toBe(true)
      }
    }
  })
})

function parses(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
