import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768): what listens at one of those cannot be
 * started again once a connection has taken it meanwhile.
 */
const PORTS = { first: 10_240, last: 24_575 }

/** A port on 127.0.0.1 that is free now: for configs that have to name one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.last + 1)
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
