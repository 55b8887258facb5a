/** Answers to gRPC calls as a server writes them, and what may become of them. */
import type { Random } from '../../src/otlp/random.fixture.ts'
import { FLAG, FRAME, frame, literalHeader, SETTING, settings, windowUpdate } from '../bench/frames.ts'

/** Frame types of RFC 9113 that the bench does not know. */
const PRIORITY = 2
const PUSH_PROMISE = 5

/** The frames with which a connection begins. */
export function greeting(random: Random): Buffer[] {
  const pairs: [number, number][] = [[SETTING.headerTableSize, random.pick([0, 4096])]]
  if (random.chance(20)) pairs.push([SETTING.initialWindowSize, random.pick([0, 1, 65_535, 2 ** 31 - 1])])
  if (random.chance(10)) pairs.push([3, random.pick([0, 1, 100])])
  if (random.chance(3)) pairs.push([random.pick([2, 5, 6, 8, 0x77]), random.pick([0, 1, 16_384, 2 ** 32 - 1])])
  return [settings(pairs), frame(FRAME.settings, FLAG.ack, 0, EMPTY)]
}

/** The frames of an answer to one call, between frames that are about nothing. */
export function answer(stream: number, random: Random): Buffer[] {
  const frames: Buffer[] = []
  const status = String(random.pick([0, 0, 0, 3, 8, 14]))
  if (random.chance(15)) {
    frames.push(headers(stream, [...HEAD, ['grpc-status', status], ['grpc-message', 'no%20%F0']], FLAG.endStream))
  } else {
    frames.push(headers(stream, HEAD))
    for (let pieces = random.below(4); pieces > 0; pieces--) frames.push(data(stream, random))
    frames.push(frame(FRAME.data, 0, stream, random.pick([EMPTY_MESSAGE, EMPTY_MESSAGE, MESSAGE])))
    frames.push(headers(stream, [['grpc-status', status]], FLAG.endStream))
  }
  return frames.flatMap((one, at) => (random.chance(40) ? [...aside(stream, at > 0, random), one] : [one]))
}

/** One to three frames, none of which an honest server would not send. */
function aside(stream: number, hasBegun: boolean, random: Random): Buffer[] {
  return Array.from({ length: 1 + random.below(3) }, () => {
    switch (random.below(hasBegun ? 8 : 7)) {
      case 0:
      case 1:
        return frame(FRAME.ping, 0, 0, Buffer.alloc(8, random.below(256)))
      case 2:
      case 3:
        return windowUpdate(random.pick([0, stream]), 1 + random.below(1000))
      case 4:
        return settings([[SETTING.maxFrameSize, 16_384 + random.below(100_000)]])
      case 5:
        return frame(PRIORITY, 0, stream, Buffer.from([0, 0, 0, 0, 16]))
      case 6:
        return frame(20 + random.below(200), random.below(256), stream, Buffer.alloc(random.below(50)))
      default:
        return frame(FRAME.data, 0, stream, EMPTY)
    }
  })
}

/** The frames, with `permille` of them damaged. */
export function damaged(
  frames: readonly Buffer[],
  streams: readonly number[],
  permille: number,
  random: Random,
): Buffer[] {
  return frames.flatMap((one) =>
    random.below(1000) < permille ? damage(one, random.pick([0, 2, 99, ...streams]), random) : [one],
  )
}

function damage(one: Buffer, stream: number, random: Random): Buffer[] {
  const bytes = Buffer.from(one)
  switch (random.below(12)) {
    case 0:
      return []
    case 1:
      return [one, one]
    case 2:
      bytes[random.below(bytes.length)] = random.below(256)
      return [bytes]
    case 3:
      bytes[4] = random.below(256)
      return [bytes]
    case 4:
      bytes[3] = random.below(12)
      return [bytes]
    case 5:
      bytes.writeUInt32BE(stream, 5)
      return [bytes]
    case 6:
      return [bytes.subarray(0, random.below(bytes.length))]
    case 7:
      return [one, frame(FRAME.reset, 0, stream, number32(random.pick([0, 1, 2, 7, 8, 11, 2 ** 32 - 1])))]
    case 8:
      return [one, frame(FRAME.goaway, 0, 0, Buffer.concat([number32(stream), number32(random.pick([0, 2, 11]))]))]
    case 9:
      return [frame(PUSH_PROMISE, FLAG.endHeaders, stream, Buffer.concat([number32(2), Buffer.from([0x82])])), one]
    case 10:
      return [frame(FRAME.continuation, FLAG.endHeaders, stream, randomBytes(random, 40)), one]
    default:
      return [headersOf(stream, randomBytes(random, 60), random.pick([0, FLAG.endStream])), one]
  }
}

const EMPTY = Buffer.alloc(0)
const EMPTY_MESSAGE = Buffer.alloc(5)
/** A partial success: one item rejected. */
const MESSAGE = Buffer.from([0, 0, 0, 0, 4, 10, 2, 8, 1])
const HEAD: [string, string][] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
]

/** A piece of a message: its head, its body, or neither. */
function data(stream: number, random: Random): Buffer {
  const length = random.below(50)
  const bytes = Buffer.concat([
    Buffer.from([random.below(3)]),
    number32(random.pick([length, 0, 2 ** 32 - 1])),
    randomBytes(random, length),
  ])
  return frame(FRAME.data, 0, stream, random.chance(20) ? bytes : EMPTY)
}

function headers(stream: number, pairs: readonly (readonly [string, string])[], flags = 0): Buffer {
  return headersOf(stream, Buffer.concat(pairs.map(([name, value]) => literalHeader(name, value))), flags)
}

function headersOf(stream: number, block: Buffer, flags: number): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders | flags, stream, block)
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function randomBytes(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(most + 1) }, () => random.below(256)))
}
