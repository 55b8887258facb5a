import { kindName } from './findings.ts'

const placeholders: Buffer[] = []

/** `[EMAIL]`, `[API_KEY]` … */
export function placeholder(kind: number): Buffer {
  return (placeholders[kind] ??= Buffer.from(`[${kindName(kind)}]`))
}
