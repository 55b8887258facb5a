import type { AddressInfo, Server } from 'node:net'

/** Connections that wait to be taken up while the loop is busy. The kernel's own limit (4096 on Linux) may be lower. */
const BACKLOG = 4096

/** Resolves with the port once the server listens. Rejects with the system's error (EADDRINUSE …); later ones go to `onError`. */
export function listen(
  server: Server,
  port: number,
  host: string,
  onError?: (error: unknown) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject)
      server.on('error', (error) => onError?.(error))
      resolve((server.address() as AddressInfo).port)
    })
  })
}
