import type { Step } from '../../../gen_ai/steps/step.ts'
import type { SpanView } from '../../../telemetry/span_view.ts'
import type { WatchedStep } from './step_watch.ts'

/** What is watched of a step that was read from the span. */
export function watchedStep({ bytes, traceId, spanId, startTime, endTime }: SpanView, step: Step): WatchedStep {
  const kind = step.kindName
  return {
    kind,
    trace: traceId < 0 ? '' : bytes.toString('hex', traceId, traceId + 16),
    span: spanId < 0 ? '' : bytes.toString('hex', spanId, spanId + 8),
    tool: step.text('toolName'),
    agent: step.text(kind === 'handoff' ? 'handoffTo' : 'agentName'),
    fingerprint: step.fingerprint,
    failed: step.failed,
    start_ns: startTime < 0 ? 0n : bytes.readBigUInt64LE(startTime),
    end_ns: endTime < 0 ? 0n : bytes.readBigUInt64LE(endTime),
  }
}
