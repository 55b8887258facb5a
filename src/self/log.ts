/** The daemon's own log: one line per event on stderr. */
import pino, { type DestinationStream, type Logger } from 'pino'
import type { Clock } from './clock.ts'
import { standardLines } from './lines.ts'

export interface LogOptions {
  /** Default `info`. */
  readonly level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** Default `console`: for people. */
  readonly encoding?: 'json' | 'console'
  /** Takes whole lines. Default standard error. */
  readonly stream?: DestinationStream
}

/** Components get `log.child({ kind, id })`: both stand on each of their lines. */
export function createLog(options: LogOptions = {}): Logger {
  const stream = options.stream ?? standardLines(2)
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      formatters: { level: (level) => ({ level }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { error: pino.stdSerializers.err },
    },
    options.encoding === 'json' ? stream : { write: (line: string) => stream.write(consoleLine(line)) },
  )
}

/** `2026-01-02T03:04:05.678Z WARN  exporter prometheus: cannot listen  port=8889 code=EADDRINUSE` */
function consoleLine(json: string): string {
  const { time, level, kind, id, msg, ...rest } = JSON.parse(json) as Record<string, unknown>
  const who = [kind, id].filter((part) => part !== undefined).join(' ')
  const head = `${time} ${String(level).toUpperCase().padEnd(5)} ${who === '' ? '' : `${printable(who)}: `}`
  const fields = Object.entries(rest).map(([name, value]) => `${printable(name)}=${fieldText(value)}`)
  return `${head}${[printable(String(msg ?? '')), ...fields].join('  ')}\n`
}

function fieldText(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+-]+$/.test(value)) return value
  return printable(JSON.stringify(value) ?? 'undefined')
}

/** Escapes what would break the line or drive the terminal: control characters, line separators, bidi overrides. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const THROTTLE_KEYS_MAX = 1000

/** Keeps a repeated line from flooding the log: the first at once, then at most one line per interval, with a count. */
export class Throttle {
  readonly #clock: Clock
  readonly #interval_ms: number
  readonly #waiting = new Map<string, { repeats: number; write: (repeats: number) => void }>()

  constructor(clock: Clock, interval_ms = 10_000) {
    this.#clock = clock
    this.#interval_ms = interval_ms
  }

  /**
   * `write` gets how often the event came since the last line besides the one it stands for: 0 at the first. With over
   * a thousand keys in an interval, the rest share one.
   */
  log(key: string, write: (repeats: number) => void): void {
    const full = this.#waiting.size >= THROTTLE_KEYS_MAX && !this.#waiting.has(key)
    const slot = full ? '' : key
    const waiting = this.#waiting.get(slot)
    if (waiting !== undefined) {
      waiting.repeats++
      waiting.write = write
      return
    }
    this.#waiting.set(slot, { repeats: 0, write })
    this.#clock.after(this.#interval_ms, () => this.#flush(slot))
    write(0)
  }

  #flush(key: string): void {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    const { repeats, write } = waiting
    if (repeats === 0) {
      this.#waiting.delete(key)
      return
    }
    waiting.repeats = 0
    this.#clock.after(this.#interval_ms, () => this.#flush(key))
    write(repeats - 1)
  }
}
