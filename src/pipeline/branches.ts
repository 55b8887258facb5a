/** All branches of a daemon, and the memory that they share. */
import type { Signal } from '../component.ts'
import type { ParsedConfig } from '../config/parse.ts'
import type { ProcessMemory } from '../self/memory/process_memory.ts'
import type { Meter } from '../self/metrics/meter.ts'
import { Branch, type BranchOptions } from './branch.ts'
import { CopyRoom } from './copies.ts'
import type { Ledger } from './ledger.ts'

/** Share of the memory limit that branches may hold where the config does not say. */
const SHARE = 1 / 8

export class Branches {
  readonly room: CopyRoom
  readonly #ledger: Ledger
  readonly #options: Pick<BranchOptions, 'clock' | 'log'>
  readonly #branches = new Map<string, Branch>()

  /** `service` and `memory` are asked at each use. */
  constructor(
    ledger: Ledger,
    options: Pick<BranchOptions, 'clock' | 'log'>,
    service: () => ParsedConfig['service'],
    memory: () => ProcessMemory,
  ) {
    this.#ledger = ledger
    this.#options = options
    this.room = new CopyRoom(() => {
      const { fan_out_bytes_max, fan_out_when_full } = service()
      return { bytes_max: fan_out_bytes_max ?? memory().limit_bytes * SHARE, when_full: fan_out_when_full }
    })
  }

  /** The branch of that name; made on the first call. */
  obtain(name: string, signal: Signal): Branch {
    const book = this.#ledger.account(name, signal)
    const key = `${signal} ${name}`
    const known = this.#branches.get(key)
    if (known !== undefined) return known
    const branch = new Branch(book, { ...this.#options, room: this.room })
    this.#branches.set(key, branch)
    return branch
  }

  /** Makes known what is held, and that it can be asked back. */
  show(meter: Meter, memory: ProcessMemory): void {
    const held_bytes = () => this.room.size_bytes
    memory.hold('fan_out', held_bytes)
    memory.onShort({ held_bytes, relieve: (bytes) => this.room.giveUp(bytes) })
    const help = 'Memory for batches that one branch of a fan-out has taken and another has not, in bytes.'
    meter.gauge('sluice_fan_out_held_bytes', help, {}, held_bytes)
  }
}
