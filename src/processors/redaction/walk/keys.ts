import { contentOfEvent, contentOfScope } from '../../../content/content_events.ts'
import { contentOfKey, describesEvent } from '../../../content/content_keys.ts'
import type { Effort } from '../../../content/detectors/effort.ts'
import { namesSecret } from '../../../content/detectors/secrets/secret_names.ts'
import type { OwnContentOf } from '../../../content/own_content.ts'
import { isPlainName } from '../../../content/plain_names.ts'
import {
  isEventOfStep,
  isKeyOfStep,
  isScopeOfSteps,
  isScopeSurelyOfSteps,
  isSurelyOfStep,
} from '../../../content/step_marks.ts'
import { tellsStep } from '../../../content/step_words.ts'
import { NEWEST } from '../../../gen_ai/call_fields.ts'
import { fieldEnd, fieldStart } from '../../../telemetry/find_field.ts'
import { ByteCache, type ViewedBytes } from '../texts/byte_cache.ts'

/** Bits of a key's class beside its content group in the lowest byte. */
export const KEY = {
  group: 0xff,
  /** Content only in scopes and events of LLM tools. */
  scoped: 0x100,
  /** Names a secret: its value goes. */
  secret: 0x200,
  /** Names a token: a short number under it is a count. */
  count: 0x400,
  /** The detectors find something in the key itself. */
  dirty: 0x800,
  /** Says something about a GenAI event, and is no message. */
  describesEvent: 0x1000,
  /** Holds the address of a machine, or none at all: shifted right by `addressShift`, one of `ADDRESSES`. */
  addresses: 0x6000,
  addressShift: 13,
  /** Names a phone number, or a social security number: digits under it need no more context. */
  phone: 0x8000,
  ssn: 0x10000,
  /** What the item's step is tells whose words it holds: shifted right by `sideShift`, one of `SIDE`. */
  side: 0x60000,
  sideShift: 17,
  /** Says what the step is. */
  tellsStep: 0x80000,
  /** Only steps have it. */
  ofStep: 0x100000,
  /** What stands under it is no content, however long. */
  plain: 0x200000,
  /** A rule of the config decides: shifted right by `ruleShift`, 1 + the strictness of its policy. */
  rule: 0x1c00000,
  ruleShift: 22,
  /** Only steps have it, beyond doubt. */
  surelyOfStep: 0x2000000,
} as const

/** Bits of an event's class: content group of the body in the lowest byte, that of the attributes in the next one. */
export const EVENT = {
  body: 0xff,
  attributesShift: 8,
  scoped: 0x10000,
  ofStep: 0x20000,
  surelyOfStep: 0x40000,
} as const

/** Which IP addresses stay. */
export const ADDRESSES = { none: 0, private: 1, all: 2, versions: 3 } as const

/** Where the conventions put addresses of the machines that are watched; peers may be people. */
const machines =
  /^(?:server|destination|host|k8s|container|net\.host|net\.sock\.host|network\.local)\.|^service\.instance\.id$/
/** A version of four numbers looks like an address. */
const versions =
  /(?:^|[._:/-])(?:versions?|ver|release|revision|firmware|build(?:[._-]?(?:id|number|version))?)$|[A-Za-z0-9](?:Version|Release|Revision|Firmware|Build|BuildNumber)$|(?:^|_)(?:VERSION|RELEASE|BUILD)$/
const peers = /^(?:network|net|net\.sock)\.peer\.|^(?:url\.full|http\.url|http\.host)$/
const phones =
  /(?:^|[._-])(?:phone|mobile|telephone|tel|fax|msisdn|cell)(?:[._-]?(?:number|no))?$|[a-z](?:Phone|Mobile|Fax)(?:Number|No)?$|^phoneNumber$/
const ssns = /(?:^|[._-])(?:ssn|itin|social[._-]?security(?:[._-]?(?:number|no))?|tax[._-]?id)$|(?:ssn|Ssn|SSN)$/

/** Names of models, ids, counts: what `gen_ai` reads and writes. Those that are content are in that list first. */
const normalised = new Set<string>([...Object.values(NEWEST), 'llm.task_type'])

const LENGTH_MAX = 120
/** What judging a key takes that was not seen before. */
const KEY_STEPS = 640

/** Attributes that are named as secrets are, and identify something: conversations, feature flags, objects in a store. */
const identifiers =
  /(?:session|conversation|thread)[._-]?id$|(?:^|[._-])(?:crew|task|agent|flow|flag|s3|redis|span|trace|metric|label|tag|resource|entity)[._-]key$/i

/** What keys, event names and scope names say, remembered by their bytes. */
export class Keys {
  readonly #keys = new ByteCache(2048, LENGTH_MAX)
  readonly #events = new ByteCache(256, LENGTH_MAX)
  readonly #scopes = new ByteCache(256, LENGTH_MAX)
  readonly #isDirty: (source: ViewedBytes, start: number, end: number) => boolean
  readonly #masksSecrets: boolean
  readonly #kinds: ReadonlySet<string>
  readonly #effort: Effort
  readonly #ownContent: OwnContentOf
  readonly #ruleOf: (name: string) => number

  /**
   * `isDirty`: whether the detectors find something. `masksSecrets`: whether secrets are looked for at all; `kinds`: what is.
   * `ruleOf`: what the config says of a key, as KEY.rule has it, 0: nothing.
   */
  constructor(
    isDirty: (source: ViewedBytes, start: number, end: number) => boolean,
    masksSecrets: boolean,
    kinds: ReadonlySet<string>,
    effort: Effort,
    ownContent: OwnContentOf = () => undefined,
    ruleOf: (name: string) => number = () => 0,
  ) {
    this.#ownContent = ownContent
    this.#ruleOf = ruleOf
    this.#effort = effort
    this.#isDirty = isDirty
    this.#masksSecrets = masksSecrets
    this.#kinds = kinds
  }

  /** Class of a key, as KEY says. */
  classOf(source: ViewedBytes, start: number, end: number): number {
    const known = this.#keys.find(source, start, end)
    if (known >= 0) return known
    const made = this.#classify(source, start, end)
    this.#keys.put(source, start, end, made)
    return made
  }

  /** Class of an event, as EVENT says. `name`: a field (`telemetry/find_field.ts`), -1 for none. */
  eventOf(source: ViewedBytes, name: number): number {
    if (name < 0) return 0
    const [start, end] = [fieldStart(source.bytes, name), fieldEnd(source.bytes, name)]
    if (end <= start) return 0
    const known = this.#events.find(source, start, end)
    if (known >= 0) return known
    const text = source.bytes.toString('utf8', start, end)
    const { body, attributes, scoped } = contentOfEvent(text)
    const ofStep = isEventOfStep(text) ? EVENT.ofStep : 0
    const own = this.#ownContent(`event:${text}`)?.group ?? body
    const made = own | (attributes << EVENT.attributesShift) | (scoped ? EVENT.scoped : 0) | ofStep
    this.#events.put(source, start, end, made)
    return made
  }

  /** Class of a scope: bits as an event's, without attributes. */
  scopeOf(source: ViewedBytes, name: number): number {
    if (name < 0) return 0
    const [start, end] = [fieldStart(source.bytes, name), fieldEnd(source.bytes, name)]
    const known = this.#scopes.find(source, start, end)
    if (known >= 0) return known
    const text = source.bytes.toString('utf8', start, end)
    const { body, scoped } = contentOfScope(text)
    const own = this.#ownContent(`scope:${text}`)?.group ?? body
    const ofStep = isScopeOfSteps(text) ? EVENT.ofStep : 0
    const surely = isScopeSurelyOfSteps(text) ? EVENT.surelyOfStep : 0
    const made = own | (scoped ? EVENT.scoped : 0) | ofStep | surely
    this.#scopes.put(source, start, end, made)
    return made
  }

  #classify(source: ViewedBytes, start: number, end: number): number {
    this.#effort.spend(KEY_STEPS + end - start)
    const name = source.bytes.toString('utf8', start, end)
    const { group, scoped, side, plain } = this.#ownContent(name) ?? contentOfKey(name)
    let bits: number = group | (side << KEY.sideShift)
    if (tellsStep(name)) bits |= KEY.tellsStep
    if (scoped) bits |= KEY.scoped
    if (isKeyOfStep(name)) bits |= KEY.ofStep
    if (isSurelyOfStep(name)) bits |= KEY.surelyOfStep
    if (plain || isPlainName(name) || normalised.has(name)) bits |= KEY.plain
    bits |= this.#ruleOf(name) << KEY.ruleShift
    if (this.#masksSecrets && namesSecret(name) && !identifiers.test(name))
      bits |= KEY.secret | (/token/i.test(name) ? KEY.count : 0)
    if (this.#isDirty(source, start, end)) bits |= KEY.dirty
    if (describesEvent(name)) bits |= KEY.describesEvent
    if (machines.test(name)) bits |= ADDRESSES.all << KEY.addressShift
    else if (versions.test(name)) bits |= ADDRESSES.versions << KEY.addressShift
    else if (peers.test(name)) bits |= ADDRESSES.private << KEY.addressShift
    if (this.#kinds.has('PHONE') && phones.test(name)) bits |= KEY.phone
    if (this.#kinds.has('SSN') && ssns.test(name)) bits |= KEY.ssn
    return bits
  }
}
