/** Log records for tests, built from plain values and brought in through the receiver's door. */
import { type LogOptions, logBatch } from '../../test/support/otlp.ts'
import { receive } from '../telemetry/receive.ts'
import { RecordView } from '../telemetry/record_view.ts'
import { ModelCall } from './model_call.ts'
import { foundKeys, readRecordedCall } from './reading/read.ts'
import { RecordMarks } from './reading/recognise_record.ts'

export interface RecordFixture extends LogOptions {
  readonly scope?: string
}

/** What is derived from one log record; undefined if it is no model call. */
export function recordedCallOf({ scope = 'an.application', ...record }: RecordFixture): ModelCall | undefined {
  const { batch } = receive('logs', logBatch([record], { scope: { name: scope } }).bytes)
  const view = new RecordView()
  const call = new ModelCall()
  view.readRecord(batch, 0)
  return readRecordedCall(view, foundKeys(), new RecordMarks().of(batch, view.scope), call) ? call : undefined
}
