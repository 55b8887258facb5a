/** One run over one decoder. */
import { Random } from '../../src/otlp/random.fixture.ts'
import { WireError } from '../../src/otlp/wire_error.ts'
import type { Decoder } from './decoders.ts'

/** An input that takes longer is a hang. */
const SLOW_MS = 1000

export interface Failure {
  readonly decoder: string
  /** Number of the input in the run: with the seed it makes the same input again. */
  readonly input: number
  readonly problem: string
  readonly body: Buffer
}

export interface Outcome {
  readonly accepted: number
  readonly refused: number
  readonly failures: readonly Failure[]
}

/** Runs inputs [first, first + count). Stops after five failures. */
export async function fuzz(
  decoder: Decoder,
  seed: number,
  first: number,
  count: number,
  progress?: Int32Array,
): Promise<Outcome> {
  let accepted = 0
  let refused = 0
  const failures: Failure[] = []
  for (let input = first; input < first + count && failures.length < 5; input++) {
    if (progress !== undefined) progress[1] = input
    const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(input + 1, 0x85ebca6b))
    const made = decoder.make(random)
    const fail = (problem: string) => failures.push({ decoder: decoder.name, input, problem, body: made.body })
    const start = performance.now()
    try {
      const running = decoder.run(made, random)
      if (running !== undefined) await running
      accepted++
    } catch (error) {
      refused++
      if (!(error instanceof WireError)) fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
    if (performance.now() - start > SLOW_MS) fail('took longer than a second')
  }
  return { accepted, refused, failures }
}
