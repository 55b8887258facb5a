import { parseArgs } from 'node:util'
import type { SubjectName } from './bench_subject.ts'
import type { Transport } from './load_process.ts'
import { SHAPES, type Shape } from './shapes.ts'
import { WORKS, type Work } from './works.ts'

export interface Options {
  readonly shapes: readonly Shape[]
  readonly works: readonly Work[]
  /** Whether the `memory` work is asked for as well. */
  readonly memory: boolean
  /** Undefined: each work's own. */
  readonly transports: readonly Transport[] | undefined
  readonly subjects: readonly SubjectName[]
  /** Length of the measured window. */
  readonly seconds: number
  /** How often each row's order of runs is repeated. */
  readonly blocks: number
  /** Requests under way at a time. */
  readonly inFlight: number
  /** Spans a second; 0: as fast as the subject answers. */
  readonly rate: number
  readonly seed: number
  /** Where Sluice writes CPU profiles. */
  readonly profiles: string | undefined
  readonly writeDocs: boolean
  /** Sluice as its image runs it instead of from its sources. */
  readonly image: boolean
}

export const USAGE = `npm run bench -- [options]
  --shapes LIST      of ${SHAPES.map((shape) => shape.name).join(',')}
  --works LIST       of ${[...WORKS.map((work) => work.name), 'memory'].join(',')}
  --transports LIST  of http,grpc (default: both for passthrough, http for the others)
  --seconds N        measured window of a run (7)
  --blocks N         repetitions of each row's order of runs (1)
  --in-flight N      requests under way at a time (8)
  --rate N           spans a second instead of as fast as possible
  --seed N           of the generated load (1)
  --only-sluice, --only-collector
  --image            Sluice as in its image (npm run bundle) instead of from its sources
  --cpuprofile DIR   Sluice runs with --cpu-prof (its figures are then too high)
  --write-docs       renews the figures in docs/benchmarks.md`

/** Options from the command line; throws with a sentence for the user. */
export function parseOptions(argv: readonly string[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: [...argv],
    options: {
      shapes: text,
      works: text,
      transports: text,
      seconds: text,
      blocks: text,
      'in-flight': text,
      rate: text,
      seed: text,
      'only-sluice': flag,
      'only-collector': flag,
      cpuprofile: text,
      'write-docs': flag,
      image: flag,
    },
  })
  const workNames = chosen('works', values.works, [...WORKS.map((work) => work.name), 'memory'])
  const shapeNames = chosen(
    'shapes',
    values.shapes,
    SHAPES.map((shape) => shape.name),
  )
  return {
    shapes: SHAPES.filter((shape) => shapeNames.includes(shape.name)),
    works: WORKS.filter((work) => workNames.includes(work.name)),
    memory: workNames.includes('memory'),
    transports: values.transports === undefined ? undefined : chosen('transports', values.transports, ['http', 'grpc']),
    subjects: values['only-sluice'] ? ['sluice'] : values['only-collector'] ? ['collector'] : ['collector', 'sluice'],
    seconds: positive('seconds', values.seconds, 7),
    blocks: positive('blocks', values.blocks, 1),
    inFlight: positive('in-flight', values['in-flight'], 8),
    rate: values.rate === undefined ? 0 : positive('rate', values.rate, 0),
    seed: positive('seed', values.seed, 1),
    profiles: values.cpuprofile,
    writeDocs: values['write-docs'] ?? false,
    image: values.image ?? false,
  }
}

function chosen<T extends string>(option: string, list: string | undefined, known: readonly T[]): readonly T[] {
  if (list === undefined) return known
  return list.split(',').map((name) => {
    const found = known.find((one) => one === name)
    if (found === undefined) throw new Error(`--${option}: expected some of ${known.join(', ')}, found ${name}`)
    return found
  })
}

function positive(option: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!(value > 0)) throw new Error(`--${option}: expected a number above 0, found ${text}`)
  return value
}
