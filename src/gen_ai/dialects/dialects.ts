/**
 * The table of dialects. Order is precedence: what is specific first, the plain conventions last. A new dialect is a row
 * in a file of `dialects/` (what a row says: `dialect.ts`) and its place here.
 */

import { anthropicSdk, botocoreBedrock, conventions, mistralSdk, tutorials } from './conventions.ts'
import { withCostParts } from './cost_parts.ts'
import type { Dialect } from './dialect.ts'
import { genkit, googleAdk, liteLlm, mastra, pydanticAi, strands } from './frameworks.ts'
import { laminar, sentry } from './monitors.ts'
import { openInference } from './openinference.ts'
import { openLit } from './openlit.ts'
import { langfuse, langSmith, logfire, mlflow } from './platforms.ts'
import { claudeCodeSpans, recordDialects } from './records.ts'
import { servers } from './servers.ts'
import { traceloop } from './traceloop.ts'
import { vercel } from './vercel.ts'
import { voice } from './voice.ts'

export const dialects: readonly Dialect[] = (
  [
    anthropicSdk,
    botocoreBedrock,
    mistralSdk,
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
    claudeCodeSpans,
    ...voice,
    ...openInference,
    laminar,
    ...traceloop,
    ...servers,
    sentry,
    tutorials,
    ...recordDialects,
    ...conventions,
  ] satisfies readonly Dialect[]
).map(withCostParts)
