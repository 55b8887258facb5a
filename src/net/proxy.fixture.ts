/** For tests: a proxy that notes who asks it for what. */
import { createServer, request as requestPlain, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface TestProxy {
  readonly port: number
  /** `CONNECT host:port` and `POST http://…`, in the order in which they came. */
  readonly asked: string[]
  /** What is said to be wanted of it; undefined: nothing was. */
  readonly credentials: (string | undefined)[]
  close(): void
}

/** With `password`, whoever does not have `Basic` of it is refused with 407. Names are not looked up: all lead to loopback. */
export async function testProxy(password?: string): Promise<TestProxy> {
  const asked: string[] = []
  const credentials: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  const isRefused = (given: string | undefined) => {
    credentials.push(given)
    return password !== undefined && given !== `Basic ${Buffer.from(password).toString('base64')}`
  }
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (isRefused(request.headers['proxy-authorization'])) return void response.writeHead(407).end()
    const url = new URL(request.url!)
    const options = {
      host: '127.0.0.1',
      port: url.port,
      path: url.pathname,
      method: request.method!,
      headers: request.headers,
    }
    const onward = requestPlain(options, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    request.pipe(onward.on('error', () => response.destroy()))
  })
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})))
  server.on('connect', (request, socket: Socket, head: Buffer) => {
    asked.push(`CONNECT ${request.url}`)
    if (isRefused(request.headers['proxy-authorization'])) return void socket.end('HTTP/1.1 407 Who are you\r\n\r\n')
    const onward = connect(Number(request.url!.replace(/^.*:/, '')), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    sockets.add(onward.on('error', () => socket.destroy()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, asked, credentials, close }
}
