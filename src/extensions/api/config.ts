import { z } from 'zod'
import { endpoint } from '../../config/schema/blocks.ts'

export const schema = z.strictObject({
  endpoint: endpoint()
    .prefault('127.0.0.1:8890')
    .describe('Address to listen on, host:port. Nobody is asked for a password: keep it on a loopback address.'),
})

export type ApiConfig = z.output<typeof schema>
