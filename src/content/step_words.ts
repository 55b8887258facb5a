/**
 * What a step is, by what its item says: a call of a model, of a tool, or a search for documents. It tells whose words
 * stand under names that every kind of step uses, such as `output.value`.
 */
import { type GroupName, groupNumber } from './content_groups.ts'

/** Under such a name: what was given to the step, or what came of it. Position in the rows. */
export const SIDE = { input: 1, output: 2 } as const
export type Side = (typeof SIDE)[keyof typeof SIDE]

/** No step that tells; or two attributes that say different things. */
export const NO_STEP = 0

/** Whether an attribute says what the step is. */
export function tellsStep(key: string): boolean {
  return keys.has(key)
}

/** The number of the step that such an attribute's text says, NO_STEP for other words. JSON strings are read too. */
export function stepOfWord(text: string): number {
  return words.get(text.replaceAll('"', '').toLowerCase()) ?? NO_STEP
}

/** The content group of plain texts on that side of such a step. */
export function groupOfStep(step: number, side: Side): number {
  return groups[step]![side - 1]!
}

const keys = new Set(
  `openinference.span.kind traceloop.span.kind mlflow.spanType langfuse.observation.type lmnr.span.type
  langsmith.span.kind gen_ai.operation.name llm.request.type genkit:metadata:subtype mastra.span.type`.split(/\s+/),
)

type Row = readonly [input: GroupName, output: GroupName, words: string]

/** Other kinds (chains, agents, tasks) have inputs and outputs of anybody. */
const rows: readonly Row[] = [
  ['any', 'any', ''],
  [
    'input',
    'output',
    'llm chat chat_model completion generation text_completion generate_content model model_generation model_step',
  ],
  ['tool_call', 'tool_result', 'tool execute_tool tool_call mcp_tool_call'],
  ['user', 'retrieved', 'retriever retrieval'],
]

const groups = rows.map(([input, output]) => [groupNumber(input), groupNumber(output)])
const words = new Map(rows.flatMap(([, , text], step) => text.split(' ').map((word) => [word, step])))
