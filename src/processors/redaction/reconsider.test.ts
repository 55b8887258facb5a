/** What was let through under one config, judged again under another. */
import { expect, test } from 'vitest'
import { attributesOf, itemsOf, logBatch, traceBatch } from '../../../test/support/otlp.ts'
import type { Batches, Signal } from '../../component.ts'
import { redaction } from './index.ts'
import { redactAs } from './redaction.fixture.ts'

const MESSAGES = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'SECRET of ann@example.com' }] }])
const spans = () =>
  traceBatch([{ name: 'chat', attributes: { 'gen_ai.input.messages': MESSAGES, note: 'mail bob@example.com' } }])

test.each([
  ['mask', 'mask'],
  ['drop', 'drop'],
  ['truncate', 'truncate'],
])('%s and again %s changes nothing more', async (content, again) => {
  const once = (await redactAs('traces', spans(), { content })).batch!
  const { processor } = await redactAs('traces', spans(), { content: again })
  const twice = (await processor.reconsider!(once))!
  expect(twice.bytes.equals(once.bytes)).toBe(true)
})

test('mask, and then drop, leaves no content', async () => {
  const once = (await redactAs('traces', spans(), { content: 'mask' })).batch!
  const { processor } = await redactAs('traces', spans(), { content: 'mask' })
  await processor.update!(redaction.schema.parse({ content: 'drop' }))
  const twice = (await processor.reconsider!(once))!
  expect(once.bytes.includes('SECRET')).toBe(true)
  expect(twice.bytes.includes('SECRET')).toBe(false)
  expect(twice.count).toBe(1)
  const keys = attributesOf(itemsOf(twice)[0]!).map(([key]) => key)
  expect(new Set(keys).size).toBe(keys.length)
})

test('a redaction of traces judges log records too: those that were made of spans', async () => {
  const records = logBatch([
    { body: 'x', more: { eventName: 'sluice.gen_ai.content' }, attributes: { 'gen_ai.input.messages': MESSAGES } },
  ])
  const { processor } = await redactAs('traces', spans(), { content: 'drop' })
  const judged = (await processor.reconsider!<Signal>(records)) as Batches['logs']
  expect(judged.bytes.includes('SECRET')).toBe(false)
})
