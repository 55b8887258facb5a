import { groupNumber } from '../../../content/content_groups.ts'
import { kindIndex } from '../../../content/detectors/findings.ts'
import { placeholder } from '../../../content/detectors/placeholder.ts'
import { next, readLength, readUint32, skipValue, skipVarint } from '../../../otlp/cursor.ts'
import { LENGTH, type MessageName, messageId } from '../../../otlp/schema.ts'
import { WireError } from '../../../otlp/wire_error.ts'
import { findField } from '../../../telemetry/find_field.ts'
import { type ContentPolicy, policyOfStrictness } from '../config.ts'
import { RedactionTally } from '../redaction_tally.ts'
import { ByRole, type Parts } from '../roles/by_role.ts'
import type { RoleWords } from '../roles/role_words.ts'
import { ByteCache, NOTHING, type ViewedBytes, viewed } from '../texts/byte_cache.ts'
import type { Contents } from '../texts/contents.ts'
import type { JudgedTexts } from '../texts/judged_texts.ts'
import { Edits } from './edits.ts'
import { findEventName } from './event_name.ts'
import { GUESS, type Guess, type GuessedContent } from './guessed_content.ts'
import { ItemSurroundings } from './item_surroundings.ts'
import { JudgedNumbers } from './judged_numbers.ts'
import { ADDRESSES, KEY, type Keys } from './keys.ts'
import { isNamedNumber, isSecret } from './named_values.ts'
import type { StepItems } from './step_items.ts'
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
const FREE_TEXT = groupNumber('free_text')
const RULE = groupNumber('rule')
const PAIR_SLOTS = 4096
const PAIR_LENGTH_MAX = 160
/** Bits of a key's class for which an attribute outside of events is more than an ordinary one. */
const TELLS = KEY.group | KEY.rule | KEY.secret | KEY.dirty | KEY.phone | KEY.ssn

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
  /** Whole attributes that say nothing and hold nothing, with their GUESS: most attributes of most items were seen before. */
  readonly #cleanPairs = new ByteCache(PAIR_SLOTS, PAIR_LENGTH_MAX)
  #source: ViewedBytes = NOTHING
  readonly #around: ItemSurroundings
  readonly #contents: Contents
  /** In content that is masked: keys inside are no content of their own. */
  #inContent = false
  /** In content that is truncated. */
  #truncates = false
  /** How many keys were truncated in the item. */
  #cutKeys = 0
  /** Undefined: one policy is for all roles. */
  readonly #byRole: ByRole | undefined
  /** Undefined: the policy of what is guessed leaves it as it is, or masks it as everything else. */
  readonly #guessed: GuessedContent | undefined
  readonly #steps: StepItems
  /** How many lists and maps are around what is walked. */
  #depth = 0

  constructor(
    texts: JudgedTexts,
    keys: Keys,
    policies: readonly ContentPolicy[],
    contents: Contents,
    steps: StepItems,
    guessed: GuessedContent | undefined,
    roles?: RoleWords,
  ) {
    this.#steps = steps
    this.#guessed = guessed
    this.#texts = texts
    this.#numbers = new JudgedNumbers(texts, this.edits, this.tally)
    this.#keys = keys
    this.#around = new ItemSurroundings(keys)
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

  /**
   * The InstrumentationScope message in [start, end) is that of the items to come; -1: they have none. These are `count` rows
   * of `rows` (`ITEM`) from `first` on.
   */
  enterScope(start: number, end: number, rows: Int32Array, first: number, count: number): void {
    const scope = this.#around.enterScope(this.#source, start, end)
    this.#steps.enterScope(scope, rows, first, count)
  }

  /** A Span, LogRecord, Metric, Resource or InstrumentationScope. */
  walkItem(message: MessageName, start: number, end: number): void {
    this.#clear()
    this.#byRole?.begin(message, start, end)
    const event = message === 'LogRecord' ? findEventName(this.#source.bytes, start, end) : -1
    this.#steps.begin(message, start, end, event)
    if (message === 'LogRecord') this.#around.enterEvent(this.#source, event)
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
    this.#cutKeys = this.#depth = 0
    this.#texts.addresses = ADDRESSES.none
    this.#around.leaveEvent()
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
          this.#texts.addresses = ADDRESSES.versions
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
          this.#around.enterEvent(this.#source, findField(bytes, content, behind, EVENT_NAME_TAG))
          this.#walk(EVENT_MESSAGE, content, behind)
          this.#around.leaveEvent()
          break
        case STEP.body:
          if (this.#around.bodyGroup === 0) this.#unlisted(0, at, content, behind)
          else this.#content(this.#around.bodyGroup, 0, at, content, behind)
          break
      }
      at = behind
    }
  }

  #keyValue(start: number, end: number): void {
    // What is clean elsewhere may be too long in content, or hold addresses that do not stay there.
    const isOrdinary = this.#around.attributesGroup === 0 && !this.#inContent
    if (isOrdinary && this.#isClean(this.#cleanPairs.find(this.#source, start, end))) return
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
      const guess = this.#unlisted(key, keyEnd, value, end)
      if (this.edits.count === edits) this.#cleanPairs.offer(this.#source, start, end, guess)
      return
    }
    if ((key & KEY.dirty) !== 0 || this.#truncates) this.#text(start, start + 2, keyEnd, true)
    this.#valueOf(key, keyEnd, value, end)
  }

  /** `guess`: what is remembered of an attribute, -1: nothing. Free text that is clean elsewhere may be content on this item. */
  #isClean(guess: number): boolean {
    return guess === GUESS.none || (guess === GUESS.elsewhere && (this.#depth > 0 || !this.#steps.isStep(this.#source)))
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
        const rule = Math.max(key & KEY.rule, one & KEY.rule)
        key = ((key & KEY.group) === 0 ? key | one : key | (one & ~KEY.group)) & ~KEY.rule
        key |= rule
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
    const rule = (key & KEY.rule) >> KEY.ruleShift
    if (rule !== 0 && !this.#inContent) return this.whole(policyOfStrictness(rule - 1), RULE, field, start, end)
    let group = key & KEY.group
    if ((key & KEY.scoped) !== 0 && !this.#around.areOfModels) group = 0
    const side = group === 0 ? 0 : (key & KEY.side) >> KEY.sideShift
    const isSsn = (key & KEY.ssn) !== 0
    if (group === 0 && (key & KEY.describesEvent) === 0) group = this.#around.attributesGroup
    if (group !== 0 && !this.#inContent) this.#content(group, side, field, start, end)
    else if ((key & KEY.secret) !== 0 && isSecret(this.#source.bytes, start, end, (key & KEY.count) !== 0))
      this.#mask(API_KEY, field, end)
    else if ((isSsn || (key & KEY.phone) !== 0) && isNamedNumber(this.#source.bytes, start, end, isSsn))
      this.#mask(isSsn ? SSN : PHONE, field, end)
    else this.#unlisted(key, field, start, end)
  }

  /** The AnyValue [start, end) of the field that begins at `field`, under a key that no list has: it may be content all the same. */
  #unlisted(key: number, field: number, start: number, end: number): Guess {
    const mayBe = this.#depth === 0 && !this.#inContent
    const guess = this.#guessed?.of(this.#source, key, start, end, mayBe) ?? GUESS.none
    if (guess === GUESS.content) this.whole(this.#guessed!.policy, FREE_TEXT, field, start, end)
    else this.#ordinary(key, start, end)
    return guess
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
    this.#depth++
    this.#walk(ANY_VALUE, start, end)
    this.#depth--
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
