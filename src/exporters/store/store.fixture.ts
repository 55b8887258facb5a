/** A store in a directory of its own, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { bookedAccount } from '../../../test/support/account.ts'
import { type TestHost, type TestHostOptions, testHost } from '../../../test/support/host.ts'
import type { Batches } from '../../component.ts'
import type { TraceQuery } from '../../telemetry_store.ts'
import type { schema } from './config.ts'
import { StoreExporter, store } from './index.ts'

const directories: string[] = []
const stores: StoreExporter[] = []

export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-store-'))
  directories.push(directory)
  return join(directory, 'store')
}

export interface TestStore {
  readonly store: StoreExporter
  readonly host: TestHost
  readonly account: ReturnType<typeof bookedAccount>
  take(...batches: (Batches['traces'] | Batches['logs'])[]): Promise<void>
  /** Ids of the last digits of the traces that a query finds. */
  find(query?: Partial<TraceQuery>): string[]
}

export function created(config: Partial<z.input<typeof schema>> = {}, options: TestHostOptions = {}): TestStore {
  const host = testHost({ id: 'store', ...options })
  const parsed = store.schema.parse({ directory: newDirectory(), ...config })
  const made = new StoreExporter(parsed, host)
  stores.push(made)
  const account = bookedAccount()
  const logAccount = bookedAccount('logs')
  return {
    store: made,
    host,
    account,
    async take(...batches) {
      for (const batch of batches) {
        if (batch.signal === 'traces') await account.feed(made.inputs.traces!, batch)
        else await logAccount.feed(made.inputs.logs!, batch)
      }
    },
    find: (query) => made.traces({ limit: 100, ...query }).map(({ trace_id }) => trace_id.replace(/^0+/, '')),
  }
}

export async function started(
  config: Partial<z.input<typeof schema>> = {},
  options: TestHostOptions = {},
): Promise<TestStore> {
  const made = created(config, options)
  await made.store.start()
  await made.store.loaded()
  return made
}

/** Stops and deletes all that the test has made. */
export async function cleanUp(): Promise<void> {
  for (const one of stores.splice(0)) await one.shutdown()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** The trace id that ends with these digits. */
export function traceId(digits: string): string {
  return digits.padStart(32, '0')
}
