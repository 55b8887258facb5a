import { expect, test } from 'vitest'
import { PackedBodies } from './packed_bodies.ts'
import { retryable, SENT, type SendResult } from './sender.ts'

test('a batch is packed once for all its attempts, and again when it comes anew', async () => {
  const bodies = new PackedBodies()
  const [batch, other] = [{}, {}]
  let packed = 0
  const sent: string[] = []
  const attempt = (of: object, result: SendResult) =>
    bodies.attempt(
      of,
      async () => Buffer.from(`body ${++packed}`),
      async (body) => {
        sent.push(String(body))
        return result
      },
    )
  await attempt(batch, retryable('later'))
  await attempt(other, retryable('later'))
  await attempt(batch, retryable('later'))
  await attempt(batch, SENT)
  await attempt(batch, { outcome: 'too_large', message: 'halves may fit' })
  await attempt(batch, SENT)
  expect(sent).toEqual(['body 1', 'body 2', 'body 1', 'body 1', 'body 3', 'body 4'])
})
