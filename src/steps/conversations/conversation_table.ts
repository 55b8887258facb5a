/**
 * Conversations that are going on: what their calls add up to, in columns of numbers, and their ids as bytes. The one that was
 * heard of longest ago ends first, when it has been quiet for long enough or when there is no room.
 *
 * A turn is a trace with a model call that answers in words; calls without a trace are a turn each.
 */
import { hashText, textId } from '../../telemetry/hash.ts'
import { idOf } from '../call_rows.ts'
import { TurnsByTrace } from './turns_by_trace.ts'

/** Columns of a row. */
const AT = {
  key: 0,
  seen_ms: 1,
  first_ms: 2,
  last_ms: 3,
  turns: 4,
  calls: 5,
  failed: 6,
  inputTokens: 7,
  outputTokens: 8,
  cost_usd: 9,
  scoresSum: 10,
  scores: 11,
  /** Trace of the latest turn, its largest input, and that of the turn before it (NaN: not told). */
  trace: 12,
  turnInput: 13,
  inputBefore: 14,
  idBytes: 15,
} as const
const WIDTH = 16
/** Of longer ids the first bytes are shown; they are told apart by all of them. */
export const CONVERSATION_ID_BYTES = 96
/** About what a `Map` takes for an entry of two numbers. */
const ENTRY_BYTES = 48
const ROWS_FIRST = 64
const SECOND_SEED = 0x2545f491
/** Stands for no conversation. */
export const NO_CONVERSATION = 0

/** What a settled call adds. NaN where a number is not known; times in Unix milliseconds. */
export interface CallInConversation {
  /** As `traceOf` numbers traces; 0 without one. */
  readonly trace: number
  readonly inWords: boolean
  readonly failed: boolean
  readonly start_ms: number
  readonly end_ms: number
  readonly input: number
  readonly output: number
  readonly cost_usd: number
  readonly score: number
}

/** What a conversation is so far. Times in Unix milliseconds; NaN where nothing is known. */
export interface Conversation {
  readonly id: string
  readonly turns: number
  readonly calls: number
  readonly failed: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost_usd: number
  /** Mean of the scores of its answers. */
  readonly score: number
  readonly first_ms: number
  readonly last_ms: number
}

export interface ConversationListener {
  ended(conversation: Conversation): void
  /** An answer of that turn (from 1 on) has been judged. */
  judged(turn: number, score: number): void
  /** By so many input tokens a turn's largest call is larger than that of the turn before. */
  grown(tokens: number): void
}

export const CONVERSATION_ORDERS = ['last', 'cost', 'turns'] as const
export type ConversationOrder = (typeof CONVERSATION_ORDERS)[number]

export interface ConversationQuestion {
  readonly sort: ConversationOrder
  readonly limit: number
  readonly min_turns: number
  readonly min_cost_usd: number
  /** Unix milliseconds: its last call ended then or later. */
  readonly since_ms: number
}

export class ConversationTable {
  /** Ended early to make room; calls whose conversation had ended before they settled. */
  givenUp = 0
  late = 0
  readonly #listener: ConversationListener
  /** From key to row; what was heard of last stands last. */
  readonly #rows = new Map<number, number>()
  readonly #turns = new TurnsByTrace()
  #numbers = new Float64Array(ROWS_FIRST * WIDTH)
  #ids = Buffer.alloc(ROWS_FIRST * CONVERSATION_ID_BYTES)
  #used = 0
  readonly #free: number[] = []

  constructor(listener: ConversationListener) {
    this.#listener = listener
  }

  get count(): number {
    return this.#rows.size
  }

  /** So many have room in those bytes. */
  static fitting(bytes: number): number {
    return Math.max(1, Math.floor(bytes / (WIDTH * 8 + CONVERSATION_ID_BYTES + ENTRY_BYTES)))
  }

  get size_bytes(): number {
    return this.#numbers.byteLength + this.#ids.length + this.#rows.size * ENTRY_BYTES + this.#turns.size_bytes
  }

  /** The key of the conversation with the id in [start, end), which has been heard of now; there are at most `most` then. */
  hear(bytes: Buffer, start: number, end: number, trace: number, now_ms: number, most: number): number {
    const key = keyOf(bytes, start, end)
    const known = this.#rows.get(key)
    if (known !== undefined) this.#rows.delete(key)
    const row = known ?? this.#begin(key, bytes, start, end)
    this.#rows.set(key, row)
    this.#numbers[row * WIDTH + AT.seen_ms] = now_ms
    this.#turns.join(trace, key)
    for (const [oldest] of this.#rows) {
      if (this.#rows.size <= most) break
      this.givenUp++
      this.#end(oldest)
    }
    return key
  }

  /** Of the conversation that the trace belongs to; NO_CONVERSATION if none is known, or several are. */
  ofTrace(trace: number): number {
    return this.#turns.conversationOf(trace)
  }

  add(key: number, call: CallInConversation): void {
    const row = this.#rows.get(key)
    if (row === undefined) {
      this.late++
      return
    }
    const numbers = this.#numbers
    const at = row * WIDTH
    const turn = call.inWords ? this.#turnOf(at, key, call) : 0
    numbers[at + AT.calls]!++
    if (call.failed) numbers[at + AT.failed]!++
    numbers[at + AT.inputTokens]! += call.input || 0
    numbers[at + AT.outputTokens]! += call.output || 0
    numbers[at + AT.cost_usd]! += call.cost_usd || 0
    // Of two numbers one of which is not known, the other.
    numbers[at + AT.first_ms] = smaller(numbers[at + AT.first_ms]!, call.start_ms)
    numbers[at + AT.last_ms] = larger(numbers[at + AT.last_ms]!, call.end_ms)
    if (turn === 0 || Number.isNaN(call.score)) return
    numbers[at + AT.scoresSum]! += call.score
    numbers[at + AT.scores]!++
    this.#listener.judged(turn, call.score)
  }

  /** Ends what has been quiet for that long; at most `most` of them, so that nobody waits for it. */
  expire(now_ms: number, after_ms: number, most: number): void {
    let left = most
    for (const [key, row] of this.#rows) {
      if (left-- === 0 || now_ms - this.#numbers[row * WIDTH + AT.seen_ms]! < after_ms) return
      this.#end(key)
    }
  }

  endAll(): void {
    for (const key of this.#rows.keys()) this.#end(key)
  }

  find(id: string): Conversation | undefined {
    const bytes = Buffer.from(id)
    const row = this.#rows.get(keyOf(bytes, 0, bytes.length))
    return row === undefined || this.#numbers[row * WIDTH + AT.calls] === 0 ? undefined : this.#read(row)
  }

  /** Those with calls that the question asks for, the largest first. */
  list({ sort, limit, min_turns, min_cost_usd, since_ms }: ConversationQuestion): Conversation[] {
    const numbers = this.#numbers
    const column = { last: AT.last_ms, cost: AT.cost_usd, turns: AT.turns }[sort]
    const found = new Int32Array(this.#rows.size)
    let count = 0
    for (const row of this.#rows.values()) {
      const at = row * WIDTH
      if (numbers[at + AT.calls] === 0 || numbers[at + AT.turns]! < min_turns) continue
      if (numbers[at + AT.cost_usd]! < min_cost_usd || !((numbers[at + AT.last_ms]! || 0) >= since_ms)) continue
      found[count++] = row
    }
    const amount = (row: number) => numbers[row * WIDTH + column]! || 0
    const rows = found.subarray(0, count)
    // Numbers alone are sorted much faster than rows by their numbers.
    const values = Float64Array.from(rows, amount).sort()
    const least = values[Math.max(0, count - limit)] ?? 0
    const chosen = rows.filter((row) => amount(row) > least)
    const equal = rows.filter((row) => amount(row) === least).subarray(0, Math.max(0, limit - chosen.length))
    return [...chosen, ...equal].sort((one, other) => amount(other) - amount(one)).map((row) => this.#read(row))
  }

  /** Which turn the call belongs to, from 1 on. */
  #turnOf(at: number, key: number, { trace, input }: CallInConversation): number {
    const numbers = this.#numbers
    const turns = numbers[at + AT.turns]!
    if (trace !== 0 && turns > 0 && numbers[at + AT.trace] === trace) {
      numbers[at + AT.turnInput] = larger(numbers[at + AT.turnInput]!, input)
      return turns
    }
    // Turns that overlap: their traces settle in turns.
    const known = this.#turns.turnOf(trace, key)
    if (known !== 0) return Math.min(known, turns)
    this.#tellGrowth(at)
    numbers[at + AT.turns] = turns + 1
    numbers[at + AT.trace] = trace
    numbers[at + AT.inputBefore] = numbers[at + AT.turnInput]!
    numbers[at + AT.turnInput] = input
    this.#turns.note(trace, key, turns + 1)
    return turns + 1
  }

  #tellGrowth(at: number): void {
    const grown = this.#numbers[at + AT.turnInput]! - this.#numbers[at + AT.inputBefore]!
    if (!Number.isNaN(grown)) this.#listener.grown(grown)
  }

  #begin(key: number, bytes: Buffer, start: number, end: number): number {
    const row = this.#free.pop() ?? this.#used++
    if ((row + 1) * WIDTH > this.#numbers.length) this.#grow()
    const numbers = this.#numbers
    const at = row * WIDTH
    numbers.fill(0, at, at + WIDTH)
    numbers[at + AT.key] = key
    numbers[at + AT.first_ms] = numbers[at + AT.last_ms] = Number.NaN
    numbers[at + AT.turnInput] = numbers[at + AT.inputBefore] = Number.NaN
    const shown = Math.min(end, start + CONVERSATION_ID_BYTES)
    numbers[at + AT.idBytes] = shown - start
    bytes.copy(this.#ids, row * CONVERSATION_ID_BYTES, start, shown)
    return row
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2)
    numbers.set(this.#numbers)
    this.#numbers = numbers
    const ids = Buffer.alloc(this.#ids.length * 2)
    this.#ids.copy(ids)
    this.#ids = ids
  }

  #end(key: number): void {
    const row = this.#rows.get(key)!
    this.#rows.delete(key)
    this.#free.push(row)
    if (this.#numbers[row * WIDTH + AT.calls] === 0) return
    this.#tellGrowth(row * WIDTH)
    this.#listener.ended(this.#read(row))
  }

  #read(row: number): Conversation {
    const number = (column: number) => this.#numbers[row * WIDTH + column]!
    const idAt = row * CONVERSATION_ID_BYTES
    return {
      id: this.#ids.toString('utf8', idAt, idAt + number(AT.idBytes)),
      turns: number(AT.turns),
      calls: number(AT.calls),
      failed: number(AT.failed),
      inputTokens: number(AT.inputTokens),
      outputTokens: number(AT.outputTokens),
      cost_usd: number(AT.cost_usd),
      score: number(AT.scoresSum) / number(AT.scores),
      first_ms: number(AT.first_ms),
      last_ms: number(AT.last_ms),
    }
  }
}

/** 53 bits: a hundred thousand ids stay apart. */
function keyOf(bytes: Uint8Array, start: number, end: number): number {
  return idOf(textId(bytes, start, end), hashText(bytes, start, end, SECOND_SEED))
}

function smaller(one: number, other: number): number {
  return one <= other || Number.isNaN(other) ? one : other
}

function larger(one: number, other: number): number {
  return one >= other || Number.isNaN(other) ? one : other
}
