/** Requests of the load, encoded once; ids and times are written anew before each sending. */
import { type Body, encodeBodies } from '../bench/bodies.ts'
import type { Random } from '../bench/random.ts'
import { SHAPES, type Shape, type SpanText } from '../bench/shapes.ts'

/** As many at a time can be under way. */
const BODIES = 400
/** Spans of a request, about 150 KB. */
const SPANS: Readonly<Record<string, number>> = { '250B': 512, '680B': 200, prompts: 24 }

/** By a shape's name as in `npm run bench`; each model call has an id of its own, so that a ledger of them can be exact. */
export function requestsOf(name: string, seed: number): Body[] {
  const shape = SHAPES.find((one) => one.name === name)
  if (shape === undefined) throw new Error(`no shape ${name}, only ${SHAPES.map((one) => one.name).join(', ')}`)
  const describe = (random: Random, isCall: boolean) => identified(shape.describe(random, isCall), random, isCall)
  return encodeBodies({ ...shape, bodies: BODIES, spans: SPANS[name] ?? shape.spans, describe } satisfies Shape, seed)
}

function identified(text: SpanText, random: Random, isCall: boolean): SpanText {
  if (!isCall || text.attributes.some(([key]) => key === 'gen_ai.response.id')) return text
  return { ...text, attributes: [...text.attributes, ['gen_ai.response.id', `resp_${random.token(24)}`]] }
}
