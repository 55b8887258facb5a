/** Requests of the load, encoded once; ids and times are written anew before each sending. */

import type { Random } from '../bench/random.ts'
import { SHAPES, type SpanText } from '../bench/shapes.ts'
import { type Body, encodeBodies } from '../bench/trace_bodies.ts'

/** As many at a time can be under way. */
const BODIES = 1000
/** Spans of a request, about 150 KB. */
const SPANS: Readonly<Record<string, number>> = { '250B': 512, '680B': 200, prompts: 24 }

/** By a shape's name as in `npm run bench`; model calls have no response ids: those would be the same in each sending. */
export function requestsOf(name: string, seed: number): Body[] {
  const shape = SHAPES.find((one) => one.name === name)
  if (shape === undefined) throw new Error(`no shape ${name}, only ${SHAPES.map((one) => one.name).join(', ')}`)
  const describe = (random: Random, isCall: boolean) => withoutResponseId(shape.describe(random, isCall))
  const bodies = encodeBodies({ ...shape, bodies: BODIES, spans: SPANS[name] ?? shape.spans, describe }, seed)
  for (const body of bodies) makeSiblings(body)
  return bodies
}

/** Of a span, in `places`: its first of them, and the offset of its parent's id there. */
const PLACES = { perSpan: 7, parent: 5 }

/** No call stands within another, of which it could be another report: all have the same parent, somewhere else. */
function makeSiblings({ bytes, places, spans }: Body): void {
  for (let i = 0; i < spans; i++) {
    const place = i * PLACES.perSpan + PLACES.parent
    const at = places[place]!
    if (at >= 0) bytes.fill(7, at, at + 8)
    places[place] = -1
  }
}

/** So each is a call of its own, and a ledger of them can be exact. */
function withoutResponseId({ name, attributes }: SpanText): SpanText {
  return { name, attributes: attributes.filter(([key]) => key !== 'gen_ai.response.id') }
}
