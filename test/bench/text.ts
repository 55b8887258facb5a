import type { Random } from './random.ts'
import { GIVEN_NAMES, SURNAMES, WORDS } from './words.ts'

/** Prose, code, lists and tool output of about `size` characters, no two alike; compresses as chat text does (3 to 5 times). */
export function writeText(random: Random, size: number): string {
  let text = ''
  while (text.length < size) text += writeBlock(random)
  return text.slice(0, size)
}

/** Prose with an e-mail address and a card number after every thirty words, of about `size` characters. */
export function writeCustomers(random: Random, size: number): string {
  let text = ''
  while (text.length < size) {
    const words = Array.from({ length: 30 }, () => writeWord(random)).join(' ')
    text += `${words} ${writeAddress(random)} ${writeCardNumber(random)} `
  }
  return text.slice(0, size)
}

/**
 * Something that a redaction has to find: an e-mail address, a card number (valid check digit) or an API key. Made up at
 * run time; none of them was ever issued.
 */
export function writeSecret(random: Random): string {
  const kind = random.whole(0, 3)
  if (kind === 0) return writeAddress(random)
  if (kind === 1) return writeCardNumber(random)
  if (kind === 2) return `sk-${random.token(40)}`
  return `AKIA${random.token(16).toUpperCase()}`
}

function writeAddress(random: Random): string {
  return `${random.pick(GIVEN_NAMES).toLowerCase()}.${random.digits(3)}@mail${random.digits(2)}.example.com`
}

function writeCardNumber(random: Random): string {
  return withCheckDigit(`4${random.digits(14)}`).replace(/(.{4})(?=.)/g, '$1 ')
}

function writeBlock(random: Random): string {
  const kind = random.unit()
  if (kind < 0.68) return `${writeParagraph(random)}\n\n`
  if (kind < 0.8) return writeList(random)
  if (kind < 0.92) return writeCode(random)
  return writeRecord(random)
}

function writeParagraph(random: Random): string {
  const sentences: string[] = []
  for (let i = random.whole(2, 6); i > 0; i--) sentences.push(writeSentence(random))
  return sentences.join(' ')
}

function writeSentence(random: Random): string {
  const words: string[] = []
  for (let i = random.whole(5, 22); i > 0; i--) words.push(writeWord(random) + (random.unit() < 0.07 ? ',' : ''))
  const text = words.join(' ')
  return text[0]!.toUpperCase() + text.slice(1) + random.pick(['.', '.', '.', '.', '?', '!', ':'])
}

/** Frequent words come first in the list and are chosen more often, roughly as in speech. */
function writeWord(random: Random): string {
  const kind = random.unit()
  if (kind < 0.955) return WORDS[Math.floor(WORDS.length * random.unit() ** 2.6)]!
  if (kind < 0.97) return String(random.whole(1, 9999))
  if (kind < 0.98) return `${random.pick(GIVEN_NAMES)} ${random.pick(SURNAMES)}`
  if (kind < 0.986) return `${random.whole(1, 28)}.${random.whole(1, 12)}.20${random.whole(19, 26)}`
  if (kind < 0.992) return `#${random.digits(8)}`
  if (kind < 0.997) return `${random.whole(1, 900)}.${random.digits(2)} €`
  return '“quoted”'
}

function writeList(random: Random): string {
  let text = ''
  for (let i = 1; i <= random.whole(3, 6); i++) text += `${i}. **${writeWord(random)}** – ${writeSentence(random)}\n`
  return `${text}\n`
}

function writeCode(random: Random): string {
  const name = () => `${writeWord(random)}_${writeWord(random)}`.replace(/\W+/g, '_')
  let text = '```python\n'
  for (let i = random.whole(1, 3); i > 0; i--) {
    text += `@router.get("/${name()}/{id}")\ndef ${name()}(${name()}: int, ${name()}: str = "${writeWord(random)}"):\n`
    text += `    rows = db.query("select ${name()} from ${name()} where id = %s", ${random.whole(1, 99999)})\n`
    text += `    return {"${name()}": rows[${random.whole(0, 9)}], "took_ms": ${random.whole(1, 900)}}\n\n`
  }
  return `${text}\`\`\`\n`
}

function writeRecord(random: Random): string {
  const record = {
    id: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`,
    created: `2026-0${random.whole(1, 9)}-1${random.whole(0, 9)}T0${random.whole(0, 9)}:${random.whole(10, 59)}:00Z`,
    owner: `${random.pick(GIVEN_NAMES)} ${random.pick(SURNAMES)}`,
    number: random.digits(10),
    amount: random.whole(100, 99999) / 100,
    note: writeSentence(random),
  }
  return `${JSON.stringify(record, null, random.unit() < 0.5 ? 2 : 0)}\n`
}

/** The digit that makes the Luhn sum a multiple of ten. */
function withCheckDigit(digits: string): string {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 1 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return digits + ((10 - (sum % 10)) % 10)
}
