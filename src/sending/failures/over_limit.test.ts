import { expect, test } from 'vitest'
import { saysTooLarge } from './over_limit.ts'

test.each([
  'grpc: received message larger than max (6001535 vs. 4194304)',
  'grpc: received message after decompression larger than max 4194304',
  'trying to send message larger than max (6001535 vs. 4194304)',
  'gRPC message exceeds maximum size 4194304: 6001535',
  'Received message larger than max (6001535 vs 4194304)',
  'SERVER: Received message larger than max (6001535 vs. 4194304)',
  'Received message that decompresses to a size larger than 4194304',
  'decoded message length too large: found 6001535 bytes, the limit is: 4194304 bytes',
  'http: request body too large',
  '{"code":3,"message":"request body too large"}',
  '<title>413 Request Entity Too Large</title>',
  'Payload Too Large',
])('%s', (text) => expect(saysTooLarge(text)).toBe(true))

test.each([
  '',
  'too much',
  'RATE_LIMITED: ingestion rate limit exceeded',
  'the message is wrong',
  `${' '.repeat(2000)}request body too large`,
])('says nothing of the size: %j', (text) => expect(saysTooLarge(text)).toBe(false))
