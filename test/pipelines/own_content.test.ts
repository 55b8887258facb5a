/** Content of a dialect of the user's: no redaction in the config lets it out, from the first batch after a reload on. */
import { expect, test } from 'vitest'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import { redaction } from '../../src/processors/redaction/index.ts'
import { LONG_MIN_BYTES } from '../../src/processors/redaction/long_batches.ts'
import { logBatch, traceBatch } from '../support/otlp.ts'
import { daemonOf, partsOf, Story } from './parts.fixture.ts'

const content = 'user: [acme.question], output: ["acme.answer.#"]'
const yaml = (dialect: string, policy = '{}') => `
receivers: { source: }
processors:
  gen_ai: { dialects: [${dialect}] }
  redaction: ${policy}
  redaction/kept: { content: keep, detectors: [EMAIL] }
exporters: { sink: , sink/logs: }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [source], processors: [gen_ai, redaction], exporters: [sink] }
    logs: { receivers: [source], processors: [redaction], exporters: [sink/logs] }
`
const acme = (more = '') =>
  `{ id: acme, marks: [{ scope: acme }], fields: { request_model: [acme.model] }, operation_optional: true${more} }`
const withContent = acme(`, content: { ${content} }`)

const question = 'where is my parcel'
const answer = 'on its way'
const call = (more: Record<string, string> = {}) =>
  traceBatch([
    { name: 'ask', attributes: { 'acme.model': 'm', 'acme.question': question, 'acme.answer.0': answer, ...more } },
  ])

function daemon(config: string) {
  const story = new Story()
  const it = daemonOf(config, { factories: [genAi, redaction, ...partsOf(story)], story })
  const sent = async (batch = call()) => {
    await it.source().send(batch)
    return it.sink().batches.at(-1)!.bytes.toString('latin1')
  }
  return { ...it, sent }
}

test('what the dialect names is dropped, and what it does not is not', async () => {
  const it = daemon(yaml(withContent))
  await it.daemon.start()
  const passed = await it.sent(call({ 'acme.region': 'eu-west' }))
  expect(passed).not.toContain(question)
  expect(passed).not.toContain(answer)
  expect(passed).toContain('eu-west')
  await it.daemon.stop()
})

test('by the policy of whose words it is', async () => {
  const it = daemon(yaml(withContent, '{ content: { default: drop, user: keep } }'))
  await it.daemon.start()
  const passed = await it.sent()
  expect(passed).toContain(question)
  expect(passed).not.toContain(answer)
  await it.daemon.stop()
})

test('beside the event loop too', async () => {
  const it = daemon(yaml(withContent))
  await it.daemon.start()
  const long = Array.from({ length: Math.ceil(LONG_MIN_BYTES / 1000) }, (_, at) => ({
    name: 'ask',
    attributes: { 'acme.question': `${question} ${at} ${'x'.repeat(1000)}` },
  }))
  const passed = await it.sent(traceBatch(long))
  expect(passed).not.toContain(question)
  await it.daemon.stop()
})

test('a reload that only changes the dialect reaches the redaction', async () => {
  const it = daemon(yaml(acme()))
  await it.daemon.start()
  expect(await it.sent()).toContain(question)
  await it.reload(yaml(withContent))
  expect(await it.sent()).not.toContain(question)
  await it.reload(yaml(acme()))
  expect(await it.sent()).toContain(question)
  await it.daemon.stop()
  expect(it.findings(true)).toEqual([])
})

test('a tier without the dialect names it itself', async () => {
  const it = daemon(yaml('', `{ content_keys: { ${content} } }`))
  await it.daemon.start()
  const passed = await it.sent()
  expect(passed).not.toContain(question)
  expect(passed).not.toContain(answer)
  await it.daemon.stop()
})

test.each([
  ['named as content', 'marks: [{ event: acme.call }]', ', content: { output: [body] }', {}],
  ['where answers are', 'marks: [{ event: acme.call }]', '', {}],
  ['of a scope', 'marks: [{ scope: acme }]', '', { scope: { name: 'acme.client' } }],
])('the body of log records: %s', async (_, marks, more, group) => {
  const dialect = `{ id: acme, in_records: true, ${marks}, operation_optional: true, fields: { request_model: [acme.model], input_tokens: [{ attribute: body, path: usage.in }], answer: [{ attribute: body, path: text }] }${more} }`
  const it = daemon(yaml(dialect))
  await it.daemon.start()
  const body = JSON.stringify({ usage: { in: 7 }, text: answer })
  const records = [{ event: 'acme.call', body, attributes: { 'acme.model': 'm' } }]
  await it.source().send(logBatch(records, group))
  const passed = it.sink('sink/logs').batches.at(-1)!.bytes.toString('latin1')
  expect(passed).toContain('acme.model')
  expect(passed).not.toContain(answer)
  if (!('scope' in group)) {
    await it.source().send(logBatch([{ event: 'other', body }]))
    expect(it.sink('sink/logs').batches.at(-1)!.bytes.toString('latin1')).toContain(answer)
  }
  await it.daemon.stop()
})
