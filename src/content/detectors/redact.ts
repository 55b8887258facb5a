import { type Findings, kindName } from './findings.ts'

/** Bytes that grow as they are written. Reused from value to value: `bytes` up to `length` is what was written. */
export class ByteOutput {
  bytes: Buffer
  length = 0

  constructor(capacity_bytes = 4096) {
    this.bytes = Buffer.allocUnsafeSlow(capacity_bytes)
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.length + size
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  append(source: Buffer, start = 0, end = source.length): void {
    this.reserve(end - start)
    source.copy(this.bytes, this.length, start, end)
    this.length += end - start
  }
}

/** What is written instead of [start, end). */
export type Replace = (bytes: Buffer, start: number, end: number, kind: number) => Buffer

const placeholders: Buffer[] = []

/** `[EMAIL]`, `[API_KEY]` … */
export function placeholder(kind: number): Buffer {
  return (placeholders[kind] ??= Buffer.from(`[${kindName(kind)}]`))
}

const byPlaceholder: Replace = (_bytes, _start, _end, kind) => placeholder(kind)

/** Appends [start, end) of `bytes` to `output` with every settled finding replaced. */
export function redactInto(
  output: ByteOutput,
  bytes: Buffer,
  start: number,
  end: number,
  findings: Findings,
  replace: Replace = byPlaceholder,
): void {
  let kept = start
  for (let i = 0; i < findings.count; i++) {
    output.append(bytes, kept, findings.start(i))
    output.append(replace(bytes, findings.start(i), findings.end(i), findings.kind(i)))
    kept = findings.end(i)
  }
  output.append(bytes, kept, end)
}

/** How many bytes `redactInto` will write with placeholders, for length prefixes. */
export function redactedSize(start: number, end: number, findings: Findings): number {
  let size = end - start
  for (let i = 0; i < findings.count; i++) {
    size += placeholder(findings.kind(i)).length - (findings.end(i) - findings.start(i))
  }
  return size
}
