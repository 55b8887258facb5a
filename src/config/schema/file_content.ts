/** Keys that name a file whose content is part of the config. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { readBounded } from '../text/source.ts'

/** A file that was read together with the config. Two are equal if the same stands in them. */
export class FileContent<T> {
  /** As written: from the working directory on, if it is relative. */
  readonly path: string
  /** Of all bytes, so that configs can be compared. */
  readonly digest: string
  readonly #value: T

  constructor(path: string, text: string, value: T) {
    this.path = path
    this.digest = createHash('sha256').update(text).digest('hex')
    this.#value = value
  }

  get value(): T {
    return this.#value
  }
}

/**
 * The path of a file, which is read whenever the config is. Output: what `read` makes of its text. A file that is not there,
 * or that `read` refuses by throwing an error (whose `advice` says what to do), is a mistake in the config.
 */
export function fileContent<T>(read: (text: string) => T, bytes_max: number) {
  return z
    .string()
    .min(1)
    .transform((path, context) => {
      try {
        const text = readBounded(path, bytes_max)
        return new FileContent(path, text, read(text))
      } catch (error) {
        const { message, advice } = told(path, error as Error & { code?: string; advice?: string })
        context.addIssue({ code: 'custom', message, params: { advice } })
        return z.NEVER
      }
    })
}

function told(path: string, { message, code, advice }: { message: string; code?: string; advice?: string }) {
  if (advice !== undefined) return { message: `the file ${path} cannot be used: ${message}`, advice }
  const why = code === 'ENOENT' ? 'it does not exist' : message
  return { message: `cannot read the file ${path}: ${why}`, advice: 'check the path and its permissions' }
}

/** Digests of all files that a parsed config holds. */
export function digestsIn(config: unknown): string[] {
  if (config instanceof FileContent) return [config.digest]
  if (typeof config !== 'object' || config === null) return []
  return Object.values(config).flatMap(digestsIn)
}
