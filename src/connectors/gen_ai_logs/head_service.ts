/** The name of the service that a head belongs to. */
import { ResourceTexts } from '../../items/resource_texts.ts'
import { fieldEnd, fieldStart, findField } from '../../telemetry/find_field.ts'
import type { Head } from '../../telemetry/heads.ts'

/** Tag of the Resource in its group. */
const RESOURCE = 0x0a
/** Of a longer name: it is written into every record. */
const NAME_BYTES_MAX = 1024
const NO_NAME = Buffer.alloc(0)

/** By the bytes of the resource, which its heads share. */
const known = new WeakMap<Buffer, Buffer>()
const names = new ResourceTexts('service.name')

/** The resource's `service.name` in UTF-8, empty if it has none that is a text. */
export function serviceOf(head: Head): Buffer {
  let name = known.get(head.resource)
  if (name === undefined) known.set(head.resource, (name = readService(head.resource)))
  return name
}

function readService(bytes: Buffer): Buffer {
  const resource = findField(bytes, 0, bytes.length, RESOURCE)
  if (resource < 0) return NO_NAME
  names.read(bytes, fieldStart(bytes, resource), fieldEnd(bytes, resource))
  const name = names.field(bytes, 0)
  if (name < 0) return NO_NAME
  const start = fieldStart(bytes, name)
  return Buffer.from(bytes.subarray(start, Math.min(fieldEnd(bytes, name), start + NAME_BYTES_MAX)))
}
