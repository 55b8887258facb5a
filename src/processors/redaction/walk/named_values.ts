/** What a key promises, checked on its value: not everything under the name of a secret is one. */
import { kindIndex } from '../../../content/detectors/findings.ts'
import { placeholder } from '../../../content/detectors/placeholder.ts'
import { readBigInt64 } from '../../../otlp/cursor.ts'
import { ARRAY, contentStart, INT, STRING, valueKind } from '../../../telemetry/any_value.ts'
import { isEqual } from '../../../telemetry/key_set.ts'

const API_KEY = kindIndex('API_KEY')
/** Whole numbers with fewer than 12 digits are no card, and those with more than 20 are nothing. */
const SIZE_MIN = 1e11
const SIZE_MAX = 1e20
/** A phone number with all its separators. */
const NUMBER_MAX = 32

/**
 * Whether the AnyValue [start, end) under a secret's name is a secret: texts, bytes and structures are; other values and
 * placeholders are not, nor are numbers of tokens where `isCount`.
 */
export function isSecret(bytes: Buffer, start: number, end: number, isCount: boolean): boolean {
  const kind = valueKind(bytes, start, end)
  if (kind < ARRAY && kind !== STRING) return false
  const content = contentStart(bytes, start, end)
  if (kind !== STRING || end === content) return end > content
  if (isEqual(placeholder(API_KEY), bytes, content, end)) return false
  if (end - content > 12) return true
  const text = bytes.toString('latin1', content, end)
  if (/^(true|false|null|none|undefined|\*+)$/i.test(text)) return false
  return !isCount || !/^\d{1,9}(\.\d+)?$/.test(text)
}

/** Whether the AnyValue [start, end) under the name of a phone number, or of a social security number, can be one. */
export function isNamedNumber(bytes: Buffer, start: number, end: number, isSsn: boolean): boolean {
  const kind = valueKind(bytes, start, end)
  if (kind !== STRING && kind !== INT) return false
  const content = contentStart(bytes, start, end)
  if (kind === STRING && end - content > NUMBER_MAX) return false
  const text = kind === INT ? readBigInt64(bytes, content, end).toString() : bytes.toString('latin1', content, end)
  if (/[A-Za-z]/.test(text)) return false
  const digits = text.replace(/\D/g, '').length
  return isSsn ? digits === 9 : digits >= 7 && digits <= 15
}

/** The digits of a whole number that has so many that it may be a card. */
export function longDigits(number: number): string | undefined {
  const size = Math.abs(number)
  return size >= SIZE_MIN && size < SIZE_MAX && Number.isInteger(number) ? number.toFixed(0) : undefined
}
