import { fieldNumber } from '../../items/fields.ts'
import { Output } from '../../otlp/output.ts'
import { type Batches, type Signal, trusted } from '../../telemetry/batch.ts'
import { RESOURCE } from '../../telemetry/layout.ts'

const GROUPS = fieldNumber('TracesRequest', 'resourceSpans')
const HEAD = fieldNumber('ResourceSpans', 'resource')

/** The same batch, in which every resource group has a Resource message, if need be an empty one. */
export function withResources<S extends Signal>(batch: Batches[S]): Batches[S] {
  const { resources } = batch.layout
  const rows = Array.from({ length: resources.length / RESOURCE.width }, (_, row) => row * RESOURCE.width)
  if (rows.every((row) => resources[row + RESOURCE.headTag]! >= 0)) return batch
  const out = new Output(batch.size_bytes + rows.length * 8)
  let at = 0
  for (const row of rows) {
    const [tag, start, end] = resources.subarray(row, row + 3) as unknown as [number, number, number]
    out.copy(batch.bytes, at, tag)
    const mark = out.open(GROUPS, end - start)
    if (resources[row + RESOURCE.headTag]! < 0) out.close(out.open(HEAD))
    out.copy(batch.bytes, start, end)
    out.close(mark, end - start)
    at = end
  }
  out.copy(batch.bytes, at, batch.bytes.length)
  return trusted(batch.signal as S, out.take())
}
