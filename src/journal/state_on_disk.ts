/**
 * The journal of one component: what it appended, on top of the last state that it wrote as a whole. A state is one
 * record, so a crash leaves either all of it or none, and what it replaces is deleted only when it is on the disk.
 */
import type { Logger } from 'pino'
import type { StateJournal } from '../component.ts'
import type { Clock } from '../self/clock.ts'
import type { Counter } from '../self/metrics/meter.ts'
import { type Address, type Damage, Journal, segmentOf } from './journal.ts'

export interface StateOnDiskOptions {
  readonly directory: string
  readonly bytes_max: number
  readonly clock: Clock
  readonly log: Logger
  /** Records that went because there was no room for them. */
  readonly dropped: Counter
  /** Stretches of the files that hold no intact record. */
  readonly damaged: Counter
  /** The journal has given its directory back. */
  readonly onClose: () => void
}

/** Kinds of the journal's records: what was appended, and a whole state. */
const KIND = { record: 1, state: 2 } as const
/** So many segments, so that the oldest can go without taking most with it. */
const SEGMENTS = 8

export class StateOnDisk implements StateJournal {
  readonly #options: StateOnDiskOptions
  readonly #journal: Journal
  /** Where the last whole state stands. */
  #base: Address = 0
  /** Records by segment, from the base on. */
  readonly #counts = new Map<number, number>()
  /** Whole states that are being written. */
  #replacing = 0
  #damageTold = false
  #closing: Promise<void> | undefined

  constructor(options: StateOnDiskOptions) {
    this.#options = options
    this.#journal = new Journal({
      directory: options.directory,
      clock: options.clock,
      segment_bytes_max: Math.ceil(options.bytes_max / SEGMENTS),
      onDelete: (segment) => this.#deleted(segment),
      onDamage: (damage) => this.#tellDamage(damage),
      onError: (error) => options.log.warn({ reason: codeOf(error) }, 'a file of a journal is in trouble'),
    })
  }

  /** Rejects as `Journal.open` does. */
  async open(): Promise<void> {
    await this.#journal.open()
    for await (const { address, kind, payload } of this.#journal.records())
      this.#note(address, kind, kind === KIND.state ? [...unpack(payload)].length : 1)
    this.#journal.forget(this.#base)
    // Not before: what a state has replaced is not dropped for want of room.
    this.#limit()
  }

  get size_bytes(): number {
    return this.#journal.size_bytes
  }

  async *records(): AsyncGenerator<Buffer> {
    for await (const { kind, payload } of this.#journal.records(this.#base)) {
      if (kind === KIND.state) yield* unpack(payload)
      // Records of a kind that a later version wrote are not ours to judge.
      else if (kind === KIND.record) yield payload
    }
  }

  async append(record: Buffer): Promise<void> {
    this.#note(await this.#journal.append(KIND.record, record), KIND.record, 1)
  }

  async replace(records: readonly Buffer[]): Promise<void> {
    const state = pack(records)
    const { bytes_max } = this.#options
    if (state.length > bytes_max)
      throw Object.assign(new Error(`a state of ${state.length} bytes, at most ${bytes_max} are allowed`), {
        code: 'EFBIG',
      })
    this.#replacing++
    this.#limit()
    try {
      this.#note(await this.#journal.append(KIND.state, state), KIND.state, records.length)
      this.#journal.forget(this.#base)
    } finally {
      this.#replacing--
      this.#limit()
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#journal.close().then(this.#options.onClose)
    return this.#closing
  }

  /** The old state stays until the new one is on the disk, so there is room for both meanwhile. */
  #limit(): void {
    this.#journal.retain({ bytes_max: this.#options.bytes_max * (1 + this.#replacing) })
  }

  #note(address: Address, kind: number, records: number): void {
    if (kind === KIND.state) {
      this.#base = address
      this.#counts.clear()
    }
    const segment = segmentOf(address)
    this.#counts.set(segment, (this.#counts.get(segment) ?? 0) + records)
  }

  #deleted(segment: number): void {
    this.#options.dropped.add(this.#counts.get(segment) ?? 0)
    this.#counts.delete(segment)
  }

  #tellDamage(damage: Damage): void {
    this.#options.damaged.add(1)
    if (this.#damageTold) return
    this.#damageTold = true
    const { directory } = this.#options
    this.#options.log.warn(
      { directory, ...damage },
      'a journal is damaged: what is intact is used, the rest is left out',
    )
  }
}

/** Each record behind its length in four bytes, little-endian. */
function pack(records: readonly Buffer[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(record.length)
      return [length, record]
    }),
  )
}

function* unpack(state: Buffer): Generator<Buffer> {
  for (let at = 0; at < state.length; ) {
    const start = at + 4
    at = start + state.readUInt32LE(at)
    yield state.subarray(start, at)
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'error'
}
