import { z } from 'zod'

export const schema = z.strictObject({})

export type ForwardConfig = z.output<typeof schema>
