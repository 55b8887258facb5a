/** One e-mail address in every place of OTLP that can hold a text: none may survive. */
import { expect, test } from 'vitest'
import { batchOf, requestOf } from '../../../test/support/otlp.ts'
import { encode, type Message, type Value } from '../../otlp/codec.ts'
import { fieldsOf, isMessage, type MessageName } from '../../otlp/schema.ts'
import { receive } from '../../telemetry/receive.ts'
import { redactAs } from './redaction.fixture.ts'

const names = { traces: 'TracesRequest', logs: 'LogsRequest', metrics: 'MetricsRequest' } as const
const signals = ['traces', 'logs', 'metrics'] as const
const CANARY = /canary\d*@example\.com/
const DEPTH_MAX = 4

/** Counts the places. */
let planted = 0

function canary(): string {
  return `x canary${planted++}@example.com y`
}

/** A message with a canary in every text, and one value of every member of each oneof. */
function filled(name: MessageName, depth: number): Message {
  const message: Message = {}
  for (const field of fieldsOf[name]) {
    if (field.oneof !== undefined) continue
    const one = textOrMessage(field.type, depth)
    if (one !== undefined) message[field.name] = field.repeated ? repeated(field.type, one, depth) : one
  }
  if (name === 'Metric') message['gauge'] = filled('Gauge', depth)
  if (name === 'AnyValue') message['stringValue'] = canary()
  return message
}

function textOrMessage(type: string, depth: number): Value | undefined {
  if (isMessage(type as MessageName)) return filled(type as MessageName, depth)
  if (type === 'string') return canary()
  if (type === 'bytes') return Buffer.from(canary())
  return type === 'id' ? Buffer.alloc(16, 1) : undefined
}

/** Lists get each kind that their items come in. */
function repeated(type: string, one: Value, depth: number): Value[] {
  if (type === 'Metric') {
    const { gauge: _, ...rest } = one as Message
    return fieldsOf.Metric.filter((field) => field.oneof === 'data').map((field) => ({
      ...rest,
      [field.name]: filled(field.type as MessageName, depth),
    }))
  }
  if (type === 'KeyValue') return forms(depth).map((value) => ({ key: canary(), value }))
  return [one]
}

/** AnyValues of every form. */
function forms(depth: number): Message[] {
  const scalars: Message[] = [{ stringValue: canary() }, { bytesValue: Buffer.from(canary()) }, {}, { boolValue: true }]
  if (depth >= DEPTH_MAX) return scalars
  return [
    ...scalars,
    { arrayValue: { values: forms(depth + 1) } },
    { kvlistValue: { values: forms(depth + 1).map((value) => ({ key: canary(), value })) } },
  ]
}

test.each(signals)('%s: no place is forgotten', async (signal) => {
  planted = 0
  const request = filled(names[signal], 0)
  const bytes = encode(names[signal], request).take()
  const places = planted
  const { batch } = receive(signal, bytes)
  for (const content of ['mask', 'drop']) {
    const redacted = await redactAs(signal, batch, { content })
    expect(CANARY.test(redacted.batch!.bytes.toString('latin1')), content).toBe(false)
    expect(redacted.meter.value('sluice_redaction_findings', { kind: 'email' })).toBeGreaterThan(places / 2)
    expect(redacted.account.discrepancy()).toBe(0)
    expect(redacted.batch!.count).toBe(batch.count)
    expect(shape(requestOf(redacted.batch!))).toEqual(shape(request))
    expect(() => receive(signal, redacted.batch!.bytes)).not.toThrow()
  }
})

test('the canaries are in what is redacted', () => {
  for (const signal of signals) expect(CANARY.test(requestBytes(signal).toString('latin1'))).toBe(true)
})

test.each(signals)('%s: a second pass changes nothing', async (signal) => {
  const once = (await redactAs(signal, batchOf(signal, filled(names[signal], 2)))).batch!
  const twice = (await redactAs(signal, once)).batch!
  expect(twice.bytes.equals(once.bytes)).toBe(true)
})

function requestBytes(signal: (typeof signals)[number]): Buffer {
  return encode(names[signal], filled(names[signal], 3)).take()
}

/** Names and counts without texts and without the attributes that redaction appends. */
function shape(value: Value | undefined): unknown {
  if (Array.isArray(value)) return value.filter((one) => !isCount(one)).map(shape)
  if (typeof value !== 'object' || Buffer.isBuffer(value)) return typeof value === 'object' ? 'bytes' : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shape(one)]))
}

function isCount(value: Value): boolean {
  const key = (value as Message)['key']
  return typeof key === 'string' && key.startsWith('sluice.redacted.')
}
