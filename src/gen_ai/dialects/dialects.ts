/**
 * The table of dialects. Order is precedence: what is specific first, the plain conventions last. A new dialect is a row
 * in a file of `dialects/` (what a row says: `dialect.ts`) and its place here.
 */

import { anthropicSdk, botocoreBedrock, conventions, tutorials } from './conventions.ts'
import type { Dialect } from './dialect.ts'
import { genkit, googleAdk, liteLlm, mastra, pydanticAi, strands } from './frameworks.ts'
import { openInference } from './openinference.ts'
import { openLit } from './openlit.ts'
import { langfuse, langSmith, logfire, mlflow } from './platforms.ts'
import { recordDialects } from './records.ts'
import { traceloop } from './traceloop.ts'
import { vercel } from './vercel.ts'

export const dialects: readonly Dialect[] = [
  anthropicSdk,
  botocoreBedrock,
  ...vercel,
  langfuse,
  langSmith,
  mlflow,
  genkit,
  liteLlm,
  openLit,
  pydanticAi,
  logfire,
  strands,
  googleAdk,
  mastra,
  ...openInference,
  traceloop,
  tutorials,
  ...recordDialects,
  ...conventions,
]
