/** Damaging bodies: blindly, byte by byte, and knowingly, field by field with right lengths around the damage. */

import type { Random } from '../../src/otlp/random.fixture.ts'
import { type Field, fieldsOf, isMessage, type MessageName } from '../../src/otlp/schema.ts'
import { fixed32, fixed64, number, part, varint } from '../../src/otlp/wire.fixture.ts'

/** One to four damages; now and then nothing but random bytes. */
export function mutateProtobuf(name: MessageName, body: Buffer, random: Random): Buffer {
  if (random.chance(2)) return randomBytes(random)
  let bytes = body
  for (let more = random.below(4); more >= 0; more--) {
    bytes = random.chance(60) ? mutateField(name, bytes, random) : mutateBytes(bytes, random)
  }
  return bytes
}

const words = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u',
  '\\ud83d',
  '\\ude00',
  'null',
  'true',
  'false',
  '0',
  '-',
  '1e3',
  '1e-3',
  '"NaN"',
  '"x":',
  '{}',
  '[]',
  '""',
  '9223372036854775808',
  '18446744073709551615',
  '-9223372036854775808',
  '"AQ=="',
  '"stringValue":',
  '"values":',
  '"intValue":',
  ' ',
  '\n',
  '\0',
  '.5',
  'E+9',
]

export function mutateJson(body: Buffer, random: Random): Buffer {
  if (random.chance(2)) return randomBytes(random)
  let bytes = body
  for (let more = random.below(3); more >= 0; more--) {
    if (random.chance(40)) bytes = mutateBytes(bytes, random)
    else {
      const at = random.below(bytes.length + 1)
      const to = Math.min(bytes.length, at + random.below(6))
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(words)), bytes.subarray(to)])
    }
  }
  return bytes
}

function randomBytes(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(100) }, () => random.below(256)))
}

const bytesToTry = [0, 1, 2, 7, 8, 10, 18, 26, 34, 74, 127, 128, 129, 133, 255]

function mutateBytes(body: Buffer, random: Random): Buffer {
  if (body.length === 0) return randomBytes(random)
  const at = random.below(body.length)
  const to = Math.min(body.length, at + 1 + random.below(16))
  switch (random.below(6)) {
    case 0:
      return body.subarray(0, at)
    case 1:
      return Buffer.concat([body.subarray(0, at), body.subarray(to)])
    case 2:
      return Buffer.concat([body.subarray(0, to), body.subarray(at)])
    case 3: {
      const from = random.below(body.length)
      return Buffer.concat([body.subarray(0, at), body.subarray(from, from + random.below(16)), body.subarray(at)])
    }
    default: {
      const bytes = Buffer.from(body)
      bytes[at] = random.chance(50) ? random.pick(bytesToTry) : bytes[at]! ^ (1 << random.below(8))
      return bytes
    }
  }
}

interface Piece {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
}

function mutateField(name: MessageName, bytes: Buffer, random: Random): Buffer {
  const pieces = piecesOf(bytes)
  if (pieces === undefined || pieces.length === 0) return Buffer.concat([bytes, madeField(name, random)])
  const piece = random.pick(pieces)
  const before = bytes.subarray(0, piece.start)
  const behind = bytes.subarray(piece.end)
  const type: Field['type'] = fieldsOf[name].find((field) => field.number === piece.tag >>> 3)?.type ?? 'bytes'
  const content = bytes.subarray(piece.content, piece.end)
  if (piece.tag % 8 === 2 && isMessage(type) && random.chance(80)) {
    return Buffer.concat([before, part(piece.tag >>> 3, mutateField(type, content, random)), behind])
  }
  const whole = bytes.subarray(piece.start, piece.end)
  switch (random.below(7)) {
    case 0:
      return Buffer.concat([before, behind])
    case 1:
      return Buffer.concat([before, whole, whole, behind])
    case 2:
      return Buffer.concat([whole, before, behind])
    case 3:
      return Buffer.concat([before, behind, whole])
    case 4:
      return Buffer.concat([before, madeField(name, random), whole, behind])
    case 5: {
      const length = piece.tag % 8 === 2 ? varint(content.length, random.below(3)) : Buffer.alloc(0)
      return Buffer.concat([before, varint(piece.tag, random.below(4)), length, content, behind])
    }
    default:
      return piece.tag % 8 === 2
        ? Buffer.concat([before, part(piece.tag >>> 3, randomBytes(random)), behind])
        : Buffer.concat([before, madeField(name, random), behind])
  }
}

/** A field of the message, or one that it does not have, with the right wire type or a wrong one. */
function madeField(name: MessageName, random: Random): Buffer {
  const field = random.chance(80) ? random.pick(fieldsOf[name]).number : random.pick([17, 31, 32, 99, 1000, 2 ** 28])
  switch (random.below(6)) {
    case 0:
      return number(field, random.pick([0, 1, 127, 128, 2 ** 31, -1]))
    case 1:
      return fixed64(field, BigInt(random.below(2 ** 31)))
    case 2:
      return fixed32(field, random.below(2 ** 31))
    case 3:
      return part(field, randomBytes(random))
    case 4:
      return part(field, 'text')
    default:
      return part(field)
  }
}

/** The fields of a message, undefined if it is damaged. */
function piecesOf(bytes: Buffer): Piece[] | undefined {
  const pieces: Piece[] = []
  let at = 0
  const readVarint = (): number => {
    let value = 0
    for (let scale = 1; at < bytes.length; scale *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const start = at
    const tag = readVarint()
    const wire = tag % 8
    let content = at
    if (wire === 0) readVarint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else if (wire === 2) {
      const length = readVarint()
      content = at
      at += length
    } else return undefined
    if (!(at <= bytes.length) || tag > 2 ** 31) return undefined
    pieces.push({ tag, start, content, end: at })
  }
  return pieces
}
