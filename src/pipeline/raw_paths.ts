/**
 * The order that the pipeline guarantees: content is redacted before it becomes a label, a record, a file or a request.
 */
import type { Logger } from 'pino'
import type { Meter } from '../self/metrics/meter.ts'
import { hasRedaction, type Plan, rawPaths } from './plan.ts'

/** A config in which content would leave unredacted although it redacts elsewhere. */
export class RawPathError extends Error {
  override readonly name = 'RawPathError'
}

/**
 * With a redaction anywhere in the config, every way around it is an error; without any, the exporters that get raw
 * content are named in a warning.
 */
export function checkRawPaths(plan: Plan, log: Logger, meter: Meter): void {
  const found = rawPaths(plan)
  if (found.length > 0 && hasRedaction(plan)) {
    const ways = found.map(({ path }) => `  ${path.join(' → ')}`)
    throw new RawPathError(
      `content would leave without redaction, although this config redacts:\n${ways.join('\n')}\n` +
        '  → put a redaction processor on that way, or set allow_raw_content: true on an exporter that has this key',
    )
  }
  const raw = new Set(found.map(({ exporter }) => exporter))
  meter.gauge('sluice_raw_content_exporters', 'Exporters that get content without redaction.', {}, () => raw.size)
  for (const exporter of raw) {
    log.warn({ exporter }, 'nothing in this config redacts: this exporter gets prompts and personal data as they came')
  }
}
