import { kindIndex } from '../../../content/detectors/findings.ts'
import { placeholder } from '../../../content/detectors/placeholder.ts'
import { next, readLength, readUint32, skipValue, skipVarint } from '../../../otlp/cursor.ts'
import { LENGTH, type MessageName, messageId } from '../../../otlp/schema.ts'
import { WireError } from '../../../otlp/wire_error.ts'
import { findField } from '../../../telemetry/find_field.ts'
import type { ContentPolicy } from '../config.ts'
import { RedactionTally } from '../redaction_tally.ts'
import { ByRole, type Parts } from '../roles/by_role.ts'
import type { RoleWords } from '../roles/role_words.ts'
import { ByteCache, NOTHING, type ViewedBytes, viewed } from '../texts/byte_cache.ts'
import type { Contents } from '../texts/contents.ts'
import type { JudgedTexts } from '../texts/judged_texts.ts'
import { Edits } from './edits.ts'
import { findEventName } from './event_name.ts'
import { JudgedNumbers } from './judged_numbers.ts'
import { ADDRESSES, EVENT, KEY, type Keys } from './keys.ts'
import { isNamedNumber, isSecret } from './named_values.ts'
import { STEP, steps, tagOf } from './walk_steps.ts'

const API_KEY = kindIndex('API_KEY')
const PHONE = kindIndex('PHONE')
const SSN = kindIndex('SSN')
const EVENT_MESSAGE = messageId.Event
const ANY_VALUE = messageId.AnyValue
const KEY_TAG = tagOf('KeyValue', 'key')
const VALUE_TAG = tagOf('KeyValue', 'value')
const STRING_TAG = tagOf('AnyValue', 'stringValue')
const EVENT_NAME_TAG = tagOf('Event', 'name')
const SCOPE_NAME_TAG = tagOf('Scope', 'name')
const PAIR_SLOTS = 4096
const PAIR_LENGTH_MAX = 160
/** Bits of a key's class for which an attribute outside of events is more than an ordinary one. */
const TELLS = KEY.group | KEY.secret | KEY.dirty | KEY.phone | KEY.ssn

/**
 * Walks one message down to every text in it and notes in `edits` what has to go, and in `tally` why. A message without
 * edits stays as it is. Use: `begin` for each batch, `enterScope` for each scope, then `walkItem` or `walkText`.
 * Throws WireError on bytes that are no OTLP.
 */
export class MessageWalk implements Parts {
  readonly edits = new Edits()
  readonly tally = new RedactionTally()
  readonly #texts: JudgedTexts
  readonly #numbers: JudgedNumbers
  readonly #keys: Keys
  /** By content group. */
  readonly #policies: readonly ContentPolicy[]
  /** Whole attributes that say nothing and hold nothing: most attributes of most items were seen before. */
  readonly #cleanPairs = new ByteCache(PAIR_SLOTS, PAIR_LENGTH_MAX)
  #source: ViewedBytes = NOTHING
  /** In a scope or an event of LLM tools, where common names are content. */
  #inModelScope = false
  #inModelEvent = false
  /** Content group of the attributes of the event that is walked, 0 outside of such events. */
  #eventGroup = 0
  #bodyGroup = 0
  /** Content group of bodies in the scope, for records whose event says nothing. */
  #scopeBodyGroup = 0
  readonly #contents: Contents
  /** In content that is masked: keys inside are no content of their own. */
  #inContent = false
  /** In content that is truncated. */
  #truncates = false
  /** How many keys were truncated in the item. */
  #cutKeys = 0
  /** Undefined: one policy is for all roles. */
  readonly #byRole: ByRole | undefined

  constructor(
    texts: JudgedTexts,
    keys: Keys,
    policies: readonly ContentPolicy[],
    contents: Contents,
    roles?: RoleWords,
  ) {
    this.#texts = texts
    this.#numbers = new JudgedNumbers(texts, this.edits, this.tally)
    this.#keys = keys
    this.#policies = policies
    this.#contents = contents
    this.#byRole = roles === undefined ? undefined : new ByRole(roles, texts, contents, policies, keys)
  }

  begin(bytes: Buffer): void {
    this.#source = viewed(bytes)
  }

  /** Lets go of the batch's memory. */
  end(): void {
    this.#source = NOTHING
  }

  /** The InstrumentationScope message in [start, end) is that of the items to come; -1: they have none. */
  enterScope(start: number, end: number): void {
    const name = start < 0 ? -1 : findField(this.#source.bytes, start, end, SCOPE_NAME_TAG)
    const scope = this.#keys.scopeOf(this.#source, name)
    this.#inModelScope = (scope & EVENT.scoped) !== 0
    this.#scopeBodyGroup = scope & EVENT.body
  }

  /** A Span, LogRecord, Metric, Resource or InstrumentationScope. */
  walkItem(message: MessageName, start: number, end: number): void {
    this.#clear()
    this.#byRole?.begin(message, start, end)
    if (message === 'LogRecord') this.#enterEvent(findEventName(this.#source.bytes, start, end))
    this.#walk(messageId[message], start, end)
  }

  /** A text on its own. True if it has to go: what stands in its place is in `edits.out`. */
  walkText(start: number, end: number): boolean {
    this.#clear()
    const count = this.#texts.find(this.#source, start, end)
    if (count !== 0) this.#texts.writeRedacted(this.edits.out, count, this.tally)
    return count !== 0
  }

  #clear(): void {
    this.edits.clear()
    this.tally.clear()
    this.#inContent = this.#truncates = false
    this.#cutKeys = 0
    this.#texts.addresses = ADDRESSES.none
    this.#leaveEvent()
  }

  /** `name`: the field in which the event's name stands, -1 for none. */
  #enterEvent(name: number): void {
    const event = this.#keys.eventOf(this.#source, name)
    this.#bodyGroup = (event & EVENT.body) === 0 ? this.#scopeBodyGroup : event & EVENT.body
    this.#eventGroup = (event >> EVENT.attributesShift) & 0xff
    this.#inModelEvent = (event & EVENT.scoped) !== 0
  }

  #leaveEvent(): void {
    this.#bodyGroup = this.#eventGroup = 0
    this.#inModelEvent = false
  }

  /** All fields of the message with that id in [start, end), by the table of steps: what holds no text is only passed over. */
  #walk(message: number, start: number, end: number): void {
    const bytes = this.#source.bytes
    for (let at = start; at < end; ) {
      const tag = bytes[at]!
      const behindTag = tag < 128 ? at + 1 : at + 2
      const step = tag < 128 || bytes[at + 1] === 1 ? steps[(message << 8) | tag]! : STEP.unknown
      switch (step & 15) {
        case STEP.varint:
          at = skipVarint(bytes, behindTag, end)
          continue
        case STEP.fixed32:
          at = behindTag + 4
          continue
        case STEP.fixed64:
          at = behindTag + 8
          continue
        case STEP.int:
          at = this.#numbers.int(bytes, at, end)
          continue
        case STEP.double:
          this.#numbers.double(bytes, at)
          at = behindTag + 8
          continue
        case STEP.unknown:
          at = this.#unknown(at, end)
          continue
      }
      let length = bytes[behindTag]!
      let content = behindTag + 1
      if (length > 127) {
        length = readLength(bytes, behindTag, end)
        content = next
      }
      const behind = content + length
      if (behind > end) throw new WireError('length points past the end of its message', behindTag)
      switch (step & 15) {
        case STEP.keyValue:
          this.#keyValue(content, behind)
          break
        case STEP.text:
          this.#text(at, content, behind)
          break
        case STEP.version:
          this.#texts.addresses = ADDRESSES.all
          this.#text(at, content, behind)
          this.#texts.addresses = ADDRESSES.none
          break
        case STEP.id:
          if (length !== 16 && length !== 8) this.#text(at, content, behind)
          break
        case STEP.message:
          this.#walk(step >> 4, content, behind)
          break
        case STEP.value:
          this.#value(content, behind)
          break
        case STEP.event:
          this.#enterEvent(findField(bytes, content, behind, EVENT_NAME_TAG))
          this.#walk(EVENT_MESSAGE, content, behind)
          this.#leaveEvent()
          break
        case STEP.body:
          if (this.#bodyGroup === 0) this.#value(content, behind)
          else this.#content(this.#bodyGroup, 0, at, content, behind)
          break
      }
      at = behind
    }
  }

  #keyValue(start: number, end: number): void {
    // What is clean elsewhere may be too long in content, or hold addresses that do not stay there.
    const isOrdinary = this.#eventGroup === 0 && !this.#inContent
    if (isOrdinary && this.#cleanPairs.find(this.#source, start, end) >= 0) return
    const bytes = this.#source.bytes
    const keyEnd = start + 2 + bytes[start + 1]!
    if (bytes[start] !== KEY_TAG || bytes[start + 1]! > 127 || keyEnd >= end || bytes[keyEnd] !== VALUE_TAG)
      return this.#anyKeyValue(start, end)
    let length = bytes[keyEnd + 1]!
    let value = keyEnd + 2
    if (length > 127) {
      length = readLength(bytes, keyEnd + 1, end)
      value = next
    }
    if (value + length !== end) return this.#anyKeyValue(start, end)
    const key = this.#keys.classOf(this.#source, start + 2, keyEnd)
    if ((key & TELLS) === 0 && isOrdinary) {
      const edits = this.edits.count
      this.#ordinary(key, value, end)
      if (this.edits.count === edits) this.#cleanPairs.offer(this.#source, start, end, 1)
      return
    }
    if ((key & KEY.dirty) !== 0 || this.#truncates) this.#text(start, start + 2, keyEnd, true)
    this.#valueOf(key, keyEnd, value, end)
  }

  /** Fields in any order, any number of them: every value is judged by every key. */
  #anyKeyValue(start: number, end: number): void {
    const bytes = this.#source.bytes
    let key = 0
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if (tag === KEY_TAG) {
        readLength(bytes, value, end)
        const one = this.#keys.classOf(this.#source, next, behind)
        key = (key & KEY.group) === 0 ? key | one : key | (one & ~KEY.group)
      }
      at = behind
    }
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) === LENGTH) {
        readLength(bytes, value, end)
        if (tag === KEY_TAG) this.#text(at, next, behind, true)
        else if (tag === VALUE_TAG) this.#valueOf(key, at, next, behind)
        else this.#remove(at, behind)
      }
      at = behind
    }
  }

  /** The AnyValue [start, end) of an attribute with a key of that class; the field begins at `field`. */
  #valueOf(key: number, field: number, start: number, end: number): void {
    let group = key & KEY.group
    if ((key & KEY.scoped) !== 0 && !this.#inModelScope && !this.#inModelEvent) group = 0
    const side = group === 0 ? 0 : (key & KEY.side) >> KEY.sideShift
    const isSsn = (key & KEY.ssn) !== 0
    if (group === 0 && (key & KEY.describesEvent) === 0) group = this.#eventGroup
    if (group !== 0 && !this.#inContent) this.#content(group, side, field, start, end)
    else if ((key & KEY.secret) !== 0 && isSecret(this.#source.bytes, start, end, (key & KEY.count) !== 0))
      this.#mask(API_KEY, field, end)
    else if ((isSsn || (key & KEY.phone) !== 0) && isNamedNumber(this.#source.bytes, start, end, isSsn))
      this.#mask(isSsn ? SSN : PHONE, field, end)
    else this.#ordinary(key, start, end)
  }

  /** A value that is no content; its key may say that the addresses in it are those of machines. */
  #ordinary(key: number, start: number, end: number): void {
    this.#texts.addresses = this.#inContent ? ADDRESSES.none : (key & KEY.addresses) >> KEY.addressShift
    this.#value(start, end)
    this.#texts.addresses = ADDRESSES.none
  }

  /** Content as the policy of its group wants it, or those of the roles in it where they differ. `side`: a SIDE, or 0. */
  #content(group: number, side: number, field: number, start: number, end: number): void {
    if (this.#byRole === undefined) return this.whole(this.#policies[group]!, group, field, start, end)
    this.#byRole.judge(this.#source, group, side, field, start, end, this)
  }

  whole(policy: ContentPolicy, group: number, field: number, start: number, end: number): void {
    if (policy === 'keep') return
    const text = this.#contents.insteadOf(policy, this.#source.bytes, start, end)
    if (text === undefined) {
      // Numbers are not dropped; what was dropped before holds nothing to find.
      const edits = this.#enterContent(policy)
      this.#value(start, end)
      this.#leaveContent(group, edits)
      return
    }
    this.tally.addDropped(group)
    this.replaceValue(field, end, Buffer.from(text, 'latin1'))
  }

  pair(policy: ContentPolicy, group: number, start: number, end: number): void {
    const edits = this.#enterContent(policy)
    this.#keyValue(start, end)
    this.#leaveContent(group, edits)
  }

  #enterContent(policy: ContentPolicy): number {
    this.#inContent = true
    this.#truncates = policy === 'truncate'
    return this.edits.count
  }

  #leaveContent(group: number, edits: number): void {
    if (this.#truncates && this.edits.count > edits) this.tally.addDropped(group)
    this.#inContent = this.#truncates = false
  }

  /** The AnyValue in [start, end). Most are one text, which needs no walk. */
  #value(start: number, end: number): void {
    const bytes = this.#source.bytes
    if (start < end && bytes[start] === STRING_TAG) {
      let length = bytes[start + 1]!
      let content = start + 2
      if (length > 127) {
        length = readLength(bytes, start + 1, end)
        content = next
      }
      if (content + length === end) return this.#text(start, content, end)
    }
    this.#walk(ANY_VALUE, start, end)
  }

  /** The field that begins at `field` and whose content is [start, end) holds text. */
  #text(field: number, start: number, end: number, isKey = false): void {
    const count = this.#texts.find(this.#source, start, end)
    const { bytes } = this.#source
    const isLong = this.#truncates && this.#contents.isLong(bytes, start, end)
    if (count === 0 && !isLong) return
    const { edits } = this
    const { out } = edits
    edits.open(field, end)
    const mark = out.open(readUint32(bytes, field, end) >>> 3, end - start)
    const from = out.end
    if (count === 0) out.copy(bytes, start, end)
    else this.#texts.writeRedacted(out, count, this.tally)
    if (isLong) this.#contents.truncate(out, from, end - start, false, isKey ? ++this.#cutKeys : 0)
    out.close(mark, end - start)
    edits.close()
  }

  #mask(kind: number, field: number, end: number): void {
    this.tally.addFinding(kind)
    this.replaceValue(field, end, placeholder(kind))
  }

  replaceValue(field: number, end: number, text: Buffer): void {
    this.edits.replaceValue(this.#source.bytes, field, end, text)
  }

  /** A field that OTLP does not have may hold anything, so texts go unread. Numbers stay. Returns the offset behind it. */
  #unknown(at: number, end: number): number {
    const { bytes } = this.#source
    const tag = readUint32(bytes, at, end)
    const behind = skipValue(tag & 7, bytes, next, end)
    if ((tag & 7) === LENGTH) this.#remove(at, behind)
    return behind
  }

  #remove(field: number, end: number): void {
    this.tally.addUnknownField()
    this.edits.open(field, end)
    this.edits.close()
  }
}
