/** google.rpc.BadRequest, the detail of an answer to a body that is no OTLP (OTLP 1.11, "Bad Data"). */
import type { Detail } from '../../net/grpc/grpc_status.ts'

const TYPE = 'google.rpc.BadRequest'

/** `1: repeated FieldViolation { 1: field, 2: description }`, with one violation and no field. */
export function badRequest(description: string): Detail {
  return { type: TYPE, value: field(1, field(2, Buffer.from(description))) }
}

/** The same in the JSON form of google.protobuf.Any. */
export function fieldViolations(description: string): object {
  return { '@type': `type.googleapis.com/${TYPE}`, fieldViolations: [{ description }] }
}

function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = []
  let rest = bytes.length
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length, rest]), bytes])
}
