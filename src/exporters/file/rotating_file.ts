/** A file that is appended to, and put aside when it is full. */
import { type FileHandle, open, readdir, rename, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { Clock } from '../../self/clock.ts'
import type { Rotation } from './config.ts'

/** Of a new file; one that exists keeps its own. */
const MODE = 0o600
const DAY_MS = 86_400_000

export interface FileOptions {
  readonly path: string
  readonly append: boolean
  readonly rotation: Rotation | undefined
  readonly clock: Clock
}

/** Writes one after the other; each is whole in one file. */
export class RotatingFile {
  readonly #options: FileOptions
  #handle: FileHandle | undefined
  #size_bytes = 0
  #last: Promise<void> = Promise.resolve()

  constructor(options: FileOptions) {
    this.#options = options
  }

  /** Rejects with the system's error if the file cannot be opened. */
  async open(): Promise<void> {
    await this.#openWith(this.#options.append ? 'a' : 'w')
  }

  /** Resolves when the system has the bytes. */
  write(bytes: Buffer): Promise<void> {
    const write = this.#last.then(() => this.#write(bytes))
    // A failed write does not keep the next from being tried.
    this.#last = write.catch(() => {})
    return write
  }

  /** After all writes. */
  async close(): Promise<void> {
    await this.#last
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  async #openWith(flags: 'a' | 'w'): Promise<void> {
    this.#handle = await open(this.#options.path, flags, MODE)
    this.#size_bytes = (await this.#handle.stat()).size
  }

  async #write(bytes: Buffer): Promise<void> {
    const { rotation } = this.#options
    const isFull = rotation !== undefined && this.#size_bytes + bytes.length > rotation.max_megabytes * 1024 * 1024
    if (isFull && this.#size_bytes > 0) await this.#putAside(rotation)
    if (this.#handle === undefined) await this.#openWith('a')
    const before_bytes = this.#size_bytes
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle!.write(bytes, at)
        at += bytesWritten
        this.#size_bytes += bytesWritten
      }
    } catch (error) {
      // A disk that filled up in the middle: half a request is taken off again, so that the file stays readable.
      await this.#handle!.truncate(before_bytes).then(
        () => (this.#size_bytes = before_bytes),
        () => {},
      )
      throw error
    }
  }

  async #putAside(rotation: Rotation): Promise<void> {
    const { path, clock } = this.#options
    await this.#handle?.close()
    this.#handle = undefined
    await rename(path, await this.#freeName(new Date(clock.now_ms())))
    await this.#openWith('a')
    await this.#deleteOld(rotation)
  }

  /** `name-2026-01-31T12-00-00.000.ext`, with a number if there is one already. */
  async #freeName(now: Date): Promise<string> {
    const { directory, stem, extension } = this.#names()
    const taken = new Set(await readdir(directory))
    const stamp = now.toISOString().replaceAll(':', '-').replace('Z', '')
    for (let number = 0; ; number++) {
      const name = `${stem}-${stamp}${number === 0 ? '' : `-${number}`}${extension}`
      if (!taken.has(name)) return join(directory, name)
    }
  }

  async #deleteOld({ max_backups, max_days }: Rotation): Promise<void> {
    const { directory, stem, extension } = this.#names()
    const backups = (await readdir(directory))
      .map((name) => ({ name, at_ms: stampOf(name, stem, extension) }))
      .filter(({ at_ms }) => at_ms !== undefined)
      .sort((a, b) => b.at_ms! - a.at_ms! || (a.name < b.name ? 1 : -1))
    const oldest_ms = max_days === 0 ? Number.NEGATIVE_INFINITY : this.#options.clock.now_ms() - max_days * DAY_MS
    for (const [place, { name, at_ms }] of backups.entries()) {
      if ((max_backups > 0 && place >= max_backups) || at_ms! < oldest_ms) await unlink(join(directory, name))
    }
  }

  #names(): { directory: string; stem: string; extension: string } {
    const { path } = this.#options
    const extension = extname(path)
    return { directory: dirname(path), stem: basename(path, extension), extension }
  }
}

/** When a file was put aside, by its name; undefined if it is none of ours. */
function stampOf(name: string, stem: string, extension: string): number | undefined {
  if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) return undefined
  const middle = name.slice(stem.length + 1, name.length - extension.length)
  const [, date, hours, minutes, seconds] =
    /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})(?:-\d+)?$/.exec(middle) ?? []
  return date === undefined ? undefined : Date.parse(`${date}${hours}:${minutes}:${seconds}Z`)
}
