/**
 * The table of dialects. Order is precedence: what is specific first, the plain conventions last. A new dialect is a row
 * in a file of `dialects/` (what a row says: `dialect.ts`) and its place here.
 */
import type { Dialect } from './dialect.ts'
import { anthropicSdk, botocoreBedrock, conventions, tutorials } from './dialects/conventions.ts'
import { genkit, googleAdk, liteLlm, mastra, pydanticAi, strands } from './dialects/frameworks.ts'
import { openInference } from './dialects/openinference.ts'
import { openLit } from './dialects/openlit.ts'
import { langfuse, langSmith, logfire, mlflow } from './dialects/platforms.ts'
import { recordDialects } from './dialects/records.ts'
import { traceloop } from './dialects/traceloop.ts'
import { vercel } from './dialects/vercel.ts'

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
