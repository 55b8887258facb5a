import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { threadId } from 'node:worker_threads'

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768): what listens at one of those cannot be
 * started again once a connection has taken it meanwhile.
 */
const FIRST = 10_240
/**
 * Files of tests run beside each other, and what is asked for a port listens a second later. So each process takes from
 * a share of its own, in turn: processes that live at the same time have numbers close to each other.
 */
const SHARES = 64
const PORTS_PER_SHARE = 224
const share = FIRST + ((process.pid + threadId) % SHARES) * PORTS_PER_SHARE
let next = randomInt(PORTS_PER_SHARE)

/** A port on 127.0.0.1 that is free now: for configs that have to name one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = share + next
    next = (next + 1) % PORTS_PER_SHARE
    if (await isFree(port, '127.0.0.1')) return port
  }
}

/** Could something listen there now? */
export async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
