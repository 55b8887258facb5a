/** Query parameters of a request. What is wrong with one is answered with 400: what was found, what is expected. */
import { parseDuration } from '../../config/schema/units.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'

export class Parameters {
  readonly #query: URLSearchParams

  /** Refuses parameters that are not among `names`, and those given twice. */
  constructor(query: URLSearchParams, names: readonly string[]) {
    this.#query = query
    for (const name of new Set(query.keys())) {
      if (!names.includes(name))
        throw new HttpFailure(400, `found the parameter ${shown(name)}, expected some of ${names.join(', ')}`)
      if (query.getAll(name).length > 1) throw new HttpFailure(400, `found ${name} more than once, expected it once`)
    }
  }

  /** Undefined if it is not given; an empty one counts as not given. */
  text(name: string): string | undefined {
    return this.#query.get(name) || undefined
  }

  number(name: string, min: number, max = Number.MAX_VALUE): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    const range = max === Number.MAX_VALUE ? `at least ${min}` : `from ${min} to ${max}`
    throw unexpected(name, text, `a number ${range}`)
  }

  whole(name: string, min: number, max: number): number | undefined {
    const value = this.number(name, min, max)
    if (value === undefined || Number.isInteger(value)) return value
    throw unexpected(name, this.text(name)!, `a whole number from ${min} to ${max}`)
  }

  /** Unix milliseconds of an RFC 3339 time, of Unix seconds, or of a time ago (`1h30m`). */
  time(name: string, now_ms: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
    const ago_ms = parseDuration(text)
    if (ago_ms !== undefined) return now_ms - ago_ms
    // In a query a plus that was not encoded is a space.
    const time = text.replace(/ (\d\d:\d\d)$/, '+$1')
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(time)
    const time_ms = isTime ? Date.parse(time) : Number.NaN
    if (!Number.isNaN(time_ms)) return time_ms
    throw unexpected(name, text, 'a time such as 2026-01-31T12:00:00Z, Unix seconds, or a time ago such as 1h')
  }

  choice<const C extends string>(name: string, choices: readonly C[]): C | undefined {
    const text = this.text(name)
    const choice = choices.find((one) => one === text)
    if (text !== undefined && choice === undefined) throw unexpected(name, text, choices.join(' or '))
    return choice
  }

  traceId(name: string): string | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : traceIdOf(text, name)
  }
}

/** 32 lower-case digits; shorter ids (of 64 bits) get zeros in front. */
export function traceIdOf(text: string, name = 'the trace id'): string {
  if (!/^[0-9a-f]{1,32}$/i.test(text)) throw unexpected(name, text, 'a trace id of 32 hexadecimal digits')
  return text.toLowerCase().padStart(32, '0')
}

export function unexpected(name: string, found: string, expected: string): HttpFailure {
  return new HttpFailure(400, `${name}: found ${shown(found)}, expected ${expected}`)
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
