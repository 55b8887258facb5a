/** Removing attributes that only this program may write. */
import { isSluice } from '../../otlp/check.ts'
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import type { Output } from '../../otlp/output.ts'
import { FIELDS_PER_MESSAGE, fieldMessage, LENGTH, messageId } from '../../otlp/schema.ts'
import type { Batches, Signal } from '../batch.ts'
import { ITEM, RESOURCE, SCOPE } from '../layout.ts'
import { itemMessage } from '../signal.ts'
import { Rewrite } from './rewrite.ts'

/** The batch without any attribute, at any depth, whose key begins with `sluice.`. */
export function stripSluice<S extends Signal>(batch: Batches[S]): Batches[S] {
  const rewrite = new Rewrite<S>()
  rewrite.begin(batch)
  const { resources, scopes, itemRows } = batch.layout
  stripHeads(rewrite, batch.bytes, 'resource', resources, RESOURCE.width)
  stripHeads(rewrite, batch.bytes, 'scope', scopes, SCOPE.width)
  for (let item = 0; item < batch.items; item++) {
    rewrite.openItem(item)
    const row = item * ITEM.width
    const message = messageId[itemMessage[batch.signal as S]]
    if (copyStripped(message, batch.bytes, itemRows[row + ITEM.start]!, itemRows[row + ITEM.end]!, rewrite.out))
      rewrite.close()
    else rewrite.cancel()
  }
  return rewrite.finish()
}

function stripHeads<S extends Signal>(
  rewrite: Rewrite<S>,
  bytes: Buffer,
  level: 'resource' | 'scope',
  rows: Int32Array,
  width: number,
): void {
  for (let row = 0; row < rows.length / width; row++) {
    const start = rows[row * width + RESOURCE.headStart]!
    if (start < 0) continue
    rewrite.openHead(level, row)
    const message = level === 'resource' ? messageId.Resource : messageId.Scope
    if (copyStripped(message, bytes, start, rows[row * width + RESOURCE.headEnd]!, rewrite.out)) rewrite.close()
    else rewrite.cancel()
  }
}

/** Copies the message's fields but KeyValues with such a key. Tells whether one was left out. */
function copyStripped(message: number, bytes: Buffer, start: number, end: number, out: Output): boolean {
  let stripped = false
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    const field = tag >>> 3
    const inner =
      field < FIELDS_PER_MESSAGE && (tag & 7) === LENGTH ? fieldMessage[message * FIELDS_PER_MESSAGE + field]! : 0
    if (inner === 0) out.copy(bytes, at, behind)
    else {
      readLength(bytes, value, end)
      const content = next
      if (inner === messageId.KeyValue && hasSluiceKey(bytes, content, behind)) stripped = true
      else {
        const mark = out.open(field, behind - content)
        if (copyStripped(inner, bytes, content, behind, out)) stripped = true
        out.close(mark, behind - content)
      }
    }
    at = behind
  }
  return stripped
}

function hasSluiceKey(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === 0x0a) {
      readLength(bytes, value, end)
      if (isSluice(bytes, next, behind)) return true
    }
    at = behind
  }
  return false
}
