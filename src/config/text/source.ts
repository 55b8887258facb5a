/**
 * Where config text comes from: files, environment variables and the command line, with bounds on size and number.
 */
import { closeSync, openSync, readSync } from 'node:fs'

/** A piece of config text. */
export interface ConfigSource {
  /** As it is shown in messages: a path, `env:NAME`, `yaml:key::path`, `--set key`. */
  readonly name: string
  readonly text: string
  /** True for the content of a substituted file: none of its text is ever shown. */
  readonly hidden: boolean
  /** Characters that may be shown: keys, and values that the schema knows and that are no secrets. */
  readonly harmless: Uint8Array
}

/** Characters `start` up to `end` of a source. */
export interface Place {
  readonly source: ConfigSource
  readonly start: number
  readonly end: number
}

/** What the config layer may see of the process; tests bring their own. */
export interface Environment {
  readonly variables: { readonly [name: string]: string | undefined }
  /** Text of a file, at most `size_bytes_max` long; throws otherwise. */
  readFile(path: string, size_bytes_max: number): string
}

/** Largest config file, and largest substituted text. */
export const FILE_BYTES_MAX = 1 << 20
/** Most `--config` and `--set` arguments. */
export const SOURCES_MAX = 100

export function createSource(name: string, text: string, hidden = false): ConfigSource {
  return { name, text, hidden, harmless: new Uint8Array(text.length) }
}

/** Lets messages show these characters. */
export function markHarmless({ source, start, end }: Place): void {
  source.harmless.fill(1, start, end)
}

/** Lets messages show the word that a key begins with. */
export function markKey({ source, start, end }: Place): void {
  const word = /^["']?[\w./-]+["']?/.exec(source.text.slice(start, end))?.[0] ?? ''
  markHarmless({ source, start, end: start + word.length })
}

/** A key as messages name it: a forgotten space or comma can make a value part of it, so only its first word. */
export function shownKey(key: string): string {
  const word = /^[\w./-]*/.exec(key)?.[0] ?? ''
  return word === key ? key : `${word}…`
}

export function isHarmless(source: ConfigSource, at: number): boolean {
  return source.harmless[at] === 1
}

/** The environment of this process. */
export function processEnvironment(variables: Environment['variables']): Environment {
  return { variables, readFile: readBounded }
}

/**
 * Text of a file, at most `size_bytes_max` long; throws otherwise. Reads pipes and devices as well, so the size is watched while
 * reading rather than asked beforehand.
 */
export function readBounded(path: string, size_bytes_max: number): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(size_bytes_max + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null)
    }
    if (length > size_bytes_max) throw new Error(`the file is larger than ${size_bytes_max} bytes`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}
