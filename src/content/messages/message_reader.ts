/** Bits of a text: it stands in a JSON string and may have escapes; the telemetry cut it off. */
export const ESCAPED = 1
export const CUT = 4

/** Where the text of structures is read: JSON, or AnyValues. A reader is told everything in the order of the bytes. */
export interface MessageReader {
  /** A member of an object begins, with the key in [start, end). `key` is its number among `keyWords`, 0 for an unknown one. */
  name(key: number, start: number, end: number, bits: number): void
  /** A text under a key; what stands in a list stands under the list's key. */
  take(key: number, start: number, end: number, bits: number): void
  /** A null, an absent value or an empty object: what would stand there was not captured. */
  takeNothing(key: number): void
  takeEmptyList(key: number): void
  takeBool(key: number, isTrue: boolean): void
  /** Numbers, bytes, and words that are no JSON. */
  takeOther(key: number, start: number, end: number): void
  /**
   * An object or a list with something in it begins. True: look into it, and `leave` it. False: pass it over; `tooDeep`
   * says that this will be done anyway. In both cases its end follows.
   */
  enter(key: number, isObject: boolean, start: number, tooDeep: boolean): boolean
  leave(key: number, isObject: boolean, end: number): void
  pass(end: number): void
}
