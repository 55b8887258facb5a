import { parseArgs } from 'node:util'

export interface Options {
  /** Of the run under overload. */
  readonly minutes: number
  readonly memory_mib: number
  /** How many times what one core takes is offered. */
  readonly times: number
  readonly shape: string
  readonly tempo: 'well' | 'dead' | 'hang' | 'refuse'
  /** How long it is measured what one core takes. */
  readonly capacity_s: number
  /** Requests a second, instead of measuring. */
  readonly rate: number
  /** Short times of waiting in the config, so that a short run ends soon. */
  readonly short: boolean
  readonly content: string
}

export const USAGE = `npm run soak -- [options]

Sends more than one core takes, for a long time, to the shipped config in a container, and checks that nothing breaks.

  --minutes M     how long (10)
  --memory MIB    memory limit of the container (1024, as in the Kubernetes manifest)
  --times N       how many times what one core takes (3)
  --shape NAME    250B, 680B or prompts (prompts)
  --tempo MOOD    well, dead, hang or refuse, for the whole time (well); after it Tempo is well again
  --content WORD  what becomes of prompts: drop or mask (drop)
  --capacity S    seconds for measuring what one core takes (a tenth of the time, at least 10)
  --rate R        requests a second at capacity, instead of measuring
  --short         seconds instead of the shipped times of waiting; goodput is reported and not judged`

/** undefined: asked for help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { ...text, default: '10' },
      memory: { ...text, default: '1024' },
      times: { ...text, default: '3' },
      shape: { ...text, default: 'prompts' },
      tempo: { ...text, default: 'well' },
      content: { ...text, default: 'drop' },
      capacity: text,
      rate: { ...text, default: '0' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const minutes = numberOf('minutes', values.minutes)
  return {
    minutes,
    memory_mib: numberOf('memory', values.memory),
    times: numberOf('times', values.times),
    shape: values.shape,
    tempo: oneOf('tempo', values.tempo, ['well', 'dead', 'hang', 'refuse']),
    capacity_s: values.capacity === undefined ? Math.max(10, minutes * 6) : numberOf('capacity', values.capacity),
    rate: Number(values.rate),
    short: values.short,
    content: oneOf('content', values.content, ['drop', 'mask']),
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} is ${text}, expected a number above 0`)
  return value
}

function oneOf<T extends string>(name: string, text: string, words: readonly T[]): T {
  const word = words.find((one) => one === text)
  if (word === undefined) throw new Error(`--${name} is ${text}, expected ${words.join(', ')}`)
  return word
}
