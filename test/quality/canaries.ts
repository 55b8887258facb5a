/** What the applications of ../shared/data/captures planted, by kind, and the forms in which it could leave. */
import { readFileSync } from 'node:fs'

export interface Canary {
  /** As `canaries.json` calls it: where it was planted, and what it is. */
  readonly name: string
  /** As placeholders spell it; `NAME` has no detector: only dropping content takes it out. */
  readonly kind: string
  readonly text: string
}

/** Ends of the names in `python/canaries.json` and beginnings of those in `js/CANARIES.json`. */
const kinds: readonly (readonly [name: RegExp, kind: string])[] = [
  [/\.email$|^email_/, 'EMAIL'],
  [/\.card$|^card_/, 'CREDIT_CARD'],
  [/\.phone$|^phone_/, 'PHONE'],
  [/\.iban$|^iban_/, 'IBAN'],
  [/\.ssn$/, 'SSN'],
  [/_key$|^apikey_|^auth_key/, 'API_KEY'],
  [/^name_/, 'NAME'],
]

/** All canaries of the collection in that folder. Throws on one whose kind is not listed. */
export function readCanaries(folder: URL): Canary[] {
  return ['python/canaries.json', 'js/CANARIES.json'].flatMap((file) => {
    const texts = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, string>
    return Object.entries(texts).map(([name, text]) => ({ name, text, kind: kindOf(name) }))
  })
}

function kindOf(name: string): string {
  const row = kinds.find(([pattern]) => pattern.test(name))
  if (row === undefined) throw new Error(`the kind of the canary ${name} is not in the list`)
  return row[1]
}

/**
 * The forms of a text that bytes are searched for: as it is, without its separators, escaped in JSON once and twice,
 * percent-encoded, and base64 wherever the text may stand in what is encoded (three alignments, both alphabets).
 */
export function formsOf(text: string): Buffer[] {
  const forms = new Set([text, text.toLowerCase(), encodeURIComponent(text), text.replaceAll(' ', '+')])
  const compact = text.replace(/[\s().-]/g, '')
  if (/^[+A-Z]{0,2}\d+$/.test(compact)) forms.add(compact)
  for (const form of [...forms]) forms.add(JSON.stringify(form).slice(1, -1))
  for (const form of [...forms]) forms.add(form.replace(/[@+]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`))
  for (const form of [...forms]) forms.add(JSON.stringify(form).slice(1, -1))
  for (const aligned of [text, compact].flatMap(alignments)) {
    forms.add(aligned)
    forms.add(aligned.replaceAll('+', '-').replaceAll('/', '_'))
  }
  return [...forms].map((form) => Buffer.from(form))
}

const HEAD = 4

/** A search for many byte strings at once, by their first four bytes. */
export class FormSearch {
  readonly #heads = new Uint8Array(1 << 16)
  readonly #forms = new Map<number, { readonly form: Buffer; readonly name: string }[]>()

  add(form: Buffer, name: string): void {
    const head = form.readInt32BE(0)
    this.#heads[hashOf(head)] = 1
    this.#forms.set(head, [...(this.#forms.get(head) ?? []), { form, name }])
  }

  namesIn(bytes: Buffer): Set<string> {
    const names = new Set<string>()
    let head = 0
    for (let p = 0; p < bytes.length; p++) {
      head = (head << 8) | bytes[p]!
      if (this.#heads[hashOf(head)] === 0 || p + 1 < HEAD) continue
      for (const { form, name } of this.#forms.get(head) ?? [])
        if (form.equals(bytes.subarray(p + 1 - HEAD, p + 1 - HEAD + form.length))) names.add(name)
    }
    return names
  }
}

function hashOf(head: number): number {
  return Math.imul(head, 0x9e3779b1) >>> 16
}

/** The base64 characters that do not depend on what stands around the text, for each of its three positions. */
function alignments(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('x'.repeat(shift) + text)
      .toString('base64')
      .replace(/=+$/, '')
    const whole = Math.floor(((shift + Buffer.byteLength(text)) * 8) / 6)
    return encoded.slice(Math.ceil((shift * 8) / 6), whole)
  })
}
