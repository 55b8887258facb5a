/** The journals of a daemon's components, each in a directory of its own below `service.data_directory`. */
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { JournalSettings, StateJournal } from '../component.ts'
import type { Clock } from '../self/clock.ts'
import type { Meter } from '../self/metrics/meter.ts'
import { StateOnDisk } from './state_on_disk.ts'

/** An instance of a component. */
export interface JournalOwner {
  /** `connector/drift` */
  readonly key: string
  readonly log: Logger
}

/** Percent-encoded it is still shorter than a file's name may be. */
const NAME_BYTES_MAX = 80

export class Journals {
  readonly #directory: string | undefined
  readonly #options: { readonly clock: Clock; readonly meter: Meter }
  readonly #taken = new Map<string, { readonly owner: JournalOwner; readonly opened: Promise<StateOnDisk> }>()

  /** `directory`: undefined if nothing is to be kept. */
  constructor(directory: string | undefined, options: { readonly clock: Clock; readonly meter: Meter }) {
    this.#directory = directory
    this.#options = options
  }

  /** `Host.journal` of that owner. */
  async open(name: string, settings: JournalSettings, owner: JournalOwner): Promise<StateJournal | undefined> {
    const file = fileNameOf(name)
    if (this.#directory === undefined) return undefined
    const taken = this.#taken.get(file)
    if (taken === undefined) {
      const opened = this.#open(join(this.#directory, 'journals', file), name, settings, owner)
      this.#taken.set(file, { owner, opened })
      opened.catch(() => this.#taken.delete(file))
      return opened
    }
    if (taken.owner === owner) return taken.opened
    // On a reload the instance that is to go is then stopped first (`Daemon`).
    throw failure('EADDRINUSE', `the journal \`${name}\` is taken by ${taken.owner.key}: each needs a name of its own`)
  }

  async #open(directory: string, name: string, { bytes_max }: JournalSettings, owner: JournalOwner) {
    const { clock, meter } = this.#options
    const labels = { journal: name }
    const state = new StateOnDisk({
      directory,
      bytes_max,
      clock,
      log: owner.log,
      dropped: meter.counter(
        'sluice_journal_dropped_records',
        'Records of a component’s journal that went because there was no room for them.',
        labels,
      ),
      damaged: meter.counter(
        'sluice_journal_damaged_records',
        'Places in the files of a component’s journal where a record was damaged.',
        labels,
      ),
      onClose: () => this.#taken.delete(fileNameOf(name)),
    })
    try {
      await state.open()
    } catch (error) {
      throw unusable(error as NodeJS.ErrnoException)
    }
    meter.gauge('sluice_journal_bytes', 'Bytes of all files of a component’s journal.', labels, () => state.size_bytes)
    return state
  }
}

/** What is not a-z, 0-9, _ or - stands as %xx, so that no name leads elsewhere, and no two are one where case does not count. */
function fileNameOf(name: string): string {
  const bytes = Buffer.from(name)
  if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX)
    throw new RangeError(`the name of a journal has 1 to ${NAME_BYTES_MAX} bytes, not ${bytes.length}`)
  return [...bytes]
    .map((byte) => (/[a-z0-9_-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : percent(byte)))
    .join('')
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, '0')}`
}

function unusable(cause: NodeJS.ErrnoException): Error {
  const advice = cause.code === 'ELOCKED' ? '' : '; make it writable for this user, or name another directory'
  return failure(cause.code ?? 'error', `service.data_directory: ${cause.message}${advice}`, cause)
}

function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code })
}
