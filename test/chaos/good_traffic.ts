/** An honest sender beside the hostile ones: one small request after the other, and how long each took. */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProtobufWriter, writeAttributes } from '../bench/protobuf.ts'

export interface GoodTraffic {
  /** Requests answered with 200. */
  readonly taken: number
  /** Refused with a wish to come again. */
  readonly refused: number
  /** Anything else, which is a fault: what it was, and how often. */
  readonly faults: ReadonlyMap<string, number>
  /** Spans that were acknowledged. */
  readonly spans: number
  /** Milliseconds within which this share of the requests was answered. */
  quantile_ms(share: number): number
}

export interface Sender extends GoodTraffic {
  stop(): Promise<void>
}

/** Answers that an OTLP client may repeat. */
const COME_AGAIN = [429, 503]
const SPANS = 3
const TIMEOUT_ms = 60_000

/** Sends a request of three spans, a model call among them, every `pause_ms`, and does not wait for the answers before it. */
export function sendGoodTraffic(port: number, pause_ms = 25): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  const times_ms: number[] = []
  const faults = new Map<string, number>()
  const under = new Set<Promise<void>>()
  const sender = { taken: 0, refused: 0, spans: 0, faults, quantile_ms, stop }
  let stopped = false

  const one = async (): Promise<void> => {
    const begun_ms = performance.now()
    const answer = await posted(port, agent, goodRequest())
    times_ms.push(performance.now() - begun_ms)
    if (answer.status === 200) {
      sender.taken++
      sender.spans += SPANS
    } else if (COME_AGAIN.includes(answer.status) && answer.retryAfter) sender.refused++
    else faults.set(answer.what, (faults.get(answer.what) ?? 0) + 1)
  }
  const loop = (async () => {
    while (!stopped) {
      const sent = one().finally(() => under.delete(sent))
      under.add(sent)
      await sleep(pause_ms)
    }
  })()

  async function stop(): Promise<void> {
    stopped = true
    await loop
    await Promise.all(under)
    agent.destroy()
  }
  function quantile_ms(share: number): number {
    const sorted = times_ms.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  }
  return sender
}

export interface PostAnswer {
  /** 0 if there was none. */
  readonly status: number
  readonly retryAfter: boolean
  /** Status, or the error. */
  readonly what: string
}

export function posted(
  port: number,
  agent: Agent | undefined,
  body: Buffer,
  signal = 'traces',
  more = {},
): Promise<PostAnswer> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length, ...more }
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) =>
      resolve({ status: 0, retryAfter: false, what: error.code ?? error.message })
    const call = request(
      { host: '127.0.0.1', port, path: `/v1/${signal}`, method: 'POST', agent: agent ?? false, headers },
      (response) => {
        response.resume()
        response.on('error', fail)
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            retryAfter: response.headers['retry-after'] !== undefined,
            what: `${response.statusCode}${response.headers['retry-after'] === undefined ? '' : ' with Retry-After'}`,
          }),
        )
      },
    )
    call.setTimeout(TIMEOUT_ms, () => call.destroy(new Error('no answer')))
    call.on('error', fail)
    call.end(body)
  })
}

/** A trace of an agent, a model call and a database. */
export function goodRequest(spans = SPANS): Buffer {
  const trace = randomBytes(16)
  return new ProtobufWriter()
    .message(1, (group) => {
      group.message(1, (resource) => writeAttributes(resource, 1, [['service.name', 'honest']]))
      group.message(2, (scope) => {
        for (let i = 0; i < spans; i++) scope.message(2, (span) => goodSpan(span, trace, i))
      })
    })
    .finish()
}

function goodSpan(span: ProtobufWriter, trace: Buffer, i: number): void {
  const now = BigInt(Date.now()) * 1_000_000n
  span.bytesField(1, trace)
  span.bytesField(2, randomBytes(8))
  span.stringField(5, i === 1 ? 'chat gpt-4.1' : 'GET /').varintField(6, 3)
  span.fixed64Field(7, now - 5_000_000n).fixed64Field(8, now)
  if (i === 1) writeAttributes(span, 9, CALL)
}

const CALL = [
  ['gen_ai.operation.name', 'chat'],
  ['gen_ai.provider.name', 'openai'],
  ['gen_ai.request.model', 'gpt-4.1'],
  ['gen_ai.usage.input_tokens', 100],
  ['gen_ai.usage.output_tokens', 20],
] as const

function randomBytes(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = Math.floor(Math.random() * 256) | 1
  return bytes
}
