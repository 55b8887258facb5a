/** A process to be killed: appends numbered records without end, and says on its output which are acknowledged. */
import { writeSync } from 'node:fs'
import { systemClock } from '../self/clock.ts'
import { Journal } from './journal.ts'

const directory = process.argv[2]!
const journal = new Journal({ directory, clock: systemClock, segment_bytes_max: 256 * 1024 })
await journal.open()

let number = 0
async function appendForever(): Promise<void> {
  for (;;) {
    const own = number++
    await journal.append(1, Buffer.from(`${own} ${'x'.repeat(own % 3000)}`))
    writeSync(1, `${own}\n`)
  }
}
await Promise.all([appendForever(), appendForever(), appendForever()])
