/** Texts with their findings replaced, for tests of what the findings cover. */
import type { Output } from '../../otlp/output.ts'
import type { Findings } from './findings.ts'
import { placeholder } from './placeholder.ts'

/** What is written instead of [start, end). */
export type Replace = (bytes: Buffer, start: number, end: number, kind: number) => Buffer

const byPlaceholder: Replace = (_bytes, _start, _end, kind) => placeholder(kind)

/** Appends [start, end) of `bytes` to `output` with every settled finding replaced. */
export function redactInto(
  output: Output,
  bytes: Buffer,
  start: number,
  end: number,
  findings: Findings,
  replace: Replace = byPlaceholder,
): void {
  let kept = start
  for (let i = 0; i < findings.count; i++) {
    output.copy(bytes, kept, findings.start(i))
    const written = replace(bytes, findings.start(i), findings.end(i), findings.kind(i))
    output.copy(written, 0, written.length)
    kept = findings.end(i)
  }
  output.copy(bytes, kept, end)
}

/** How many bytes `redactInto` will write with placeholders, for length prefixes. */
export function redactedSize(start: number, end: number, findings: Findings): number {
  let size = end - start
  for (let i = 0; i < findings.count; i++) {
    size += placeholder(findings.kind(i)).length - (findings.end(i) - findings.start(i))
  }
  return size
}
