/** Bodies that real exporters sent: all that are at hand, or the selection in `test/captures`. Tests only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { MessageName } from './schema.ts'

export type CapturedSignal = 'traces' | 'metrics' | 'logs'

export interface Capture {
  readonly path: string
  readonly signal: CapturedSignal
  readonly name: MessageName
  readonly encoding: 'pb' | 'json'
  readonly body: Buffer
}

export const requestNames = {
  traces: 'TracesRequest',
  metrics: 'MetricsRequest',
  logs: 'LogsRequest',
} as const satisfies Record<CapturedSignal, MessageName>

const selection = new URL('../../test/captures/', import.meta.url)
const collection = new URL('../../../shared/data/captures/', import.meta.url)

/** Every captured body; with `selected`, only the selection. */
export function captures(selected = false): Capture[] {
  const directory = !selected && existsSync(collection) ? collection : selection
  if (!selected && directory === selection) process.stderr.write('captures: only the selection in test/captures\n')
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .flatMap((path) => {
      const match = /\d+\.(traces|metrics|logs)\.(pb|json)$/.exec(path)
      if (match === null) return []
      const signal = match[1] as CapturedSignal
      const encoding = match[2] as 'pb' | 'json'
      return [{ path, signal, encoding, name: requestNames[signal], body: readFileSync(new URL(path, directory)) }]
    })
}
