/** Redacting for tests: one processor, its meter and its books. */
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Batches, Signal } from '../../component.ts'
import { redaction } from './index.ts'

export async function redactAs<S extends Signal>(signal: S, batch: Batches[S], config: unknown = {}) {
  const host = testHost({ id: 'redaction' })
  const recorder = new Recorder<S>()
  const account = bookedAccount(signal)
  const processor = redaction.create(redaction.schema.parse(config), host, signal, recorder)
  await account.feed(processor, batch)
  return { batch: recorder.batches[0], meter: host.meter, account, processor, recorder }
}
