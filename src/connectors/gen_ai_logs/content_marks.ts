/** Which attributes and events of spans hold content, remembered by their names' bytes. */
import { contentOfEvent, contentOfScope } from '../../content/content_events.ts'
import { contentOfKey, describesEvent } from '../../content/content_keys.ts'
import { Interner, OVERFLOW_TEXT } from '../../telemetry/interner.ts'

/** Bits of what a name says. */
export const MARK = {
  /** Of a key: its value is content. Of an event: so are its attributes. */
  content: 1,
  /** Of a key: content only in scopes and events of LLM tools. Of a scope and an event: they are such. */
  scoped: 2,
  /** Of a key: says something about the event, and is no message. */
  describesEvent: 4,
} as const

export class ContentMarks {
  ofKey(bytes: Buffer, start: number, end: number): number {
    return keys.of(bytes, start, end)
  }

  ofEvent(bytes: Buffer, start: number, end: number): number {
    return start < 0 ? 0 : events.of(bytes, start, end)
  }

  ofScope(bytes: Buffer, start: number, end: number): number {
    return start < 0 ? 0 : scopes.of(bytes, start, end)
  }
}

/** Different names remembered at a time. */
const NAMES_MAX = 4096
/** Longer names are judged by their beginning, which is where the known ones are told apart. */
const NAME_BYTES_MAX = 200
const UNKNOWN = 0xff

class Remembered {
  readonly #judge: (name: string) => number
  #names = new Interner(NAMES_MAX)
  readonly #marks = new Uint8Array(NAMES_MAX + 2).fill(UNKNOWN)

  constructor(judge: (name: string) => number) {
    this.#judge = judge
  }

  of(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + NAME_BYTES_MAX)
    let name = this.#names.intern(bytes, start, stop)
    if (name === OVERFLOW_TEXT) {
      this.#names = new Interner(NAMES_MAX)
      this.#marks.fill(UNKNOWN)
      name = this.#names.intern(bytes, start, stop)
    }
    if (this.#marks[name] === UNKNOWN) this.#marks[name] = this.#judge(bytes.toString('utf8', start, stop))
    return this.#marks[name]!
  }
}

// A name says the same wherever it stands, so what is remembered is shared.
const keys = new Remembered((name) => {
  const { group, scoped } = contentOfKey(name)
  const content = group === 0 ? 0 : scoped ? MARK.scoped : MARK.content
  return content | (describesEvent(name) ? MARK.describesEvent : 0)
})
const events = new Remembered((name) => {
  const { attributes, scoped } = contentOfEvent(name)
  return (attributes === 0 ? 0 : MARK.content) | (scoped ? MARK.scoped : 0)
})
const scopes = new Remembered((name) => (contentOfScope(name).scoped ? MARK.scoped : 0))
