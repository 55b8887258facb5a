/**
 * node test/fuzz/grpc_run.ts [--frames 1000000] [--seed N] [--first 0]
 *
 * Answers of damaged HTTP/2 frames for the gRPC client. Prints the seed; with it and `--first` a failing client is made
 * again.
 */
import { parseArgs } from 'node:util'
import { codeName } from '../../src/net/grpc/grpc_status.ts'
import { fuzzGrpcClient } from './grpc_client.ts'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    first: { type: 'string', default: '0' },
  },
})
console.log(`seed ${values.seed}, ${values.frames} frames`)
const start_ms = performance.now()
const { frames, clients, outcomes, failures } = await fuzzGrpcClient(
  Number(values.seed),
  Number(values.first),
  Number(values.frames),
)
const counts = [...outcomes]
  .sort(([, one], [, other]) => other - one)
  .map(([code, many]) => `${codeName(code)} ${many}`)
const elapsed_s = Math.round((performance.now() - start_ms) / 1000)
console.log(`gRPC client: ${frames} frames to ${clients} clients, ${failures.length} failures, ${elapsed_s} s`)
console.log(`calls: ${counts.join(', ')}`)
console.log(`memory: ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB`)
for (const failure of failures) console.log(failure)
process.exitCode = failures.length > 0 ? 1 : 0
