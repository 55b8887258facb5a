/** Records that wait to be committed, and who waits for them. */
import { type NewRecord, sizeOf } from './journal_record.ts'
import type { Address } from './segment.ts'

/** What is committed together. */
export interface AppendGroup {
  readonly records: readonly NewRecord[]
  /** With headers. */
  readonly size_bytes: number
  resolve(addresses: readonly Address[]): void
  reject(error: Error): void
}

interface Append {
  readonly record: NewRecord
  readonly resolve: (address: Address) => void
  readonly reject: (error: Error) => void
}

/** Most bytes that wait: the disk is too slow for what comes. A single record may be larger. */
const WAITING_BYTES_MAX = 128 * 2 ** 20

export class WaitingAppends {
  size_bytes = 0
  #appends: Append[] = []

  get count(): number {
    return this.#appends.length
  }

  /** Resolves with its group. Rejects with EFBIG if the record is larger than `limit_bytes`, EBUSY if too much waits. */
  add(record: NewRecord, limit_bytes: number): Promise<Address> {
    const size_bytes = sizeOf(record)
    if (size_bytes > limit_bytes)
      return Promise.reject(failure('EFBIG', `a record of ${size_bytes} bytes, at most ${limit_bytes} are allowed`))
    if (this.count > 0 && this.size_bytes + size_bytes > WAITING_BYTES_MAX)
      return Promise.reject(failure('EBUSY', `${this.size_bytes} bytes wait to be written already`))
    this.size_bytes += size_bytes
    return new Promise((resolve, reject) => this.#appends.push({ record, resolve, reject }))
  }

  /** The oldest ones with at most so many bytes together, but at least one. */
  take(bytes_max: number): AppendGroup {
    let size_bytes = 0
    let count = 0
    for (const { record } of this.#appends) {
      if (count > 0 && size_bytes + sizeOf(record) > bytes_max) break
      size_bytes += sizeOf(record)
      count++
    }
    const taken = this.#appends.splice(0, count)
    this.size_bytes -= size_bytes
    return {
      records: taken.map(({ record }) => record),
      size_bytes,
      resolve: (addresses) => {
        for (const [at, append] of taken.entries()) append.resolve(addresses[at]!)
      },
      reject: (error) => {
        for (const append of taken) append.reject(error)
      },
    }
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
