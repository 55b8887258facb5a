/** What is planted in requests and still there at an exit of gen_ai → redaction. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type Capture, requestNames } from '../../src/otlp/captures.fixture.ts'
import { jsonToProtobuf } from '../../src/otlp/json_to_protobuf.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { MARKER, planted } from './planted.ts'
import { exitsOfRequest } from './redacted.ts'

export interface Sweep {
  /** Texts that were planted. */
  readonly count: number
  /** Exit, and what was planted there; each once. */
  readonly leaks: readonly string[]
}

export async function sweep(captures: readonly Capture[], config: object = { content: 'drop' }): Promise<Sweep> {
  const leaks = new Set<string>()
  let count = 0
  for (const { path, signal, name, encoding, body } of captures) {
    const sent = receive(signal, encoding === 'json' ? jsonToProtobuf(name, body) : body).batch
    const given = planted(sent, count)
    if (given.planted.length === 0) continue
    count += given.planted.length
    const { batch, records, metrics } = await exitsOfRequest(given.batch, config)
    const exits = { batch: [batch], records, metrics }
    for (const [exit, batches] of Object.entries(exits))
      for (const { bytes } of batches)
        for (const [, at] of bytes.toString('latin1').matchAll(new RegExp(`${MARKER}(\\d+)x`, 'gi')))
          leaks.add(`${path} ${exit}: ${given.planted[Number(at)]}`)
  }
  return { count, leaks: [...leaks] }
}

/** Requests in a folder, as cases are written down; none if it is not there. */
export function casesIn(folder: URL): Capture[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((path) => path.endsWith('.json') && !path.includes('expected'))
    .map((path) => ({ path, body: readFileSync(new URL(path, folder)) }))
    .flatMap(({ path, body }) => {
      const text = body.toString('latin1', 0, 200)
      const signal = (['traces', 'logs', 'metrics'] as const).find((one) =>
        text.includes({ traces: '"resourceSpans"', logs: '"resourceLogs"', metrics: '"resourceMetrics"' }[one]),
      )
      return signal === undefined ? [] : [{ path, signal, name: requestNames[signal], encoding: 'json' as const, body }]
    })
}
