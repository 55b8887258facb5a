/** npm run simulate [-- --seeds N --seed FIRST]: invented applications, each with one and with two shards. */
import { parseArgs } from 'node:util'
import { simulate } from './run.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } })
const first = Number(values.seed ?? 1)
const seeds = Number(values.seeds ?? 10_000)
let wrong = 0
for (let seed = first; seed < first + seeds; seed++)
  for (const shards of [1, 2]) {
    const found = await simulate(seed, shards)
    if (found.length === 0) continue
    wrong++
    console.log(`seed ${seed}, ${shards} shards:\n  ${found.slice(0, 20).join('\n  ')}`)
  }
console.log(`${seeds} seeds from ${first}, with one and two shards: ${wrong} wrong`)
process.exitCode = wrong > 0 ? 1 : 0
