import { uncompress } from 'snappyjs'
import { expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { PushRequests } from './push_requests.ts'
import { PIECE_BYTES } from './snappy.ts'

test('what is sent was the batch, although the converter has gone on to the next one', async () => {
  const bytes = Buffer.alloc(2 * PIECE_BYTES, 'a line ')
  const expected = Buffer.from(bytes)
  const stream = { start: 0, end: bytes.length, entries: 1, oldest_s: 1, newest_s: 1 }
  const requests = new PushRequests({ bytes, streams: [stream] } as never, 1000, 60_000)
  const sent: Buffer[] = []
  const post = async (body: Buffer) => {
    sent.push(body)
    return { status: sent.length === 1 ? 503 : 204, text: '', headers: {} } as never
  }
  const { clock } = testHost()
  const first = requests.send(post, clock)
  bytes.fill(0)
  await first
  bytes.fill(1)
  await requests.send(post, clock)
  expect(sent.map((body) => uncompress(body).equals(expected))).toEqual([true, true])
})
