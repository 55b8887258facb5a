/** npm run variants [-- --seeds N --seed FIRST --folder NAME]: the captured folders in so many other forms. */
import { parseArgs } from 'node:util'
import { SUPPORTED } from '../support/reachable.ts'
import { variantIn, wrongOf } from './folder.fixture.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string' }, seed: { type: 'string' }, folder: { type: 'string' } },
})
const first = Number(values.seed ?? 1)
const seeds = Number(values.seeds ?? 100)
let wrong = 0
for (let seed = first; seed < first + seeds; seed++)
  for (const folder of SUPPORTED.filter((name) => name.includes(values.folder ?? ''))) {
    const found = await wrongOf(folder, variantIn(folder, seed))
    if (found.length === 0) continue
    wrong++
    console.log(`${folder}, seed ${seed}:\n  ${found.slice(0, 20).join('\n  ')}`)
  }
console.log(`${seeds} seeds from ${first}: ${wrong} wrong`)
process.exitCode = wrong > 0 ? 1 : 0
