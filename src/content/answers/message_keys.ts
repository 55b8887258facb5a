/**
 * What the keys, types and roles inside messages mean, in the forms of the OpenTelemetry conventions and of the
 * providers and frameworks whose own objects emitters write down as they are (OpenAI, Anthropic, Gemini, Bedrock,
 * LangChain, Genkit, Vercel …). Rows of data.
 */
import { KeySet } from '../../telemetry/key_set.ts'

/** What stands under a key. */
export const MEANING = {
  /** Nothing that is looked at. */
  none: 0,
  /** Text of the answer, or what holds it; structures of other kinds have such keys too. */
  words: 1,
  /** The same, under a key that only messages have; empty, it says that the answer is empty. */
  parts: 2,
  /** What holds the answer that the keys beside it repeat. */
  message: 3,
  /** The whole text once more, of use only where nothing else was found. */
  summary: 4,
  toolCall: 5,
  refusal: 6,
  media: 7,
  finish: 8,
  type: 9,
  role: 10,
  /** True: the object is a thought. */
  thought: 11,
} as const
export type Meaning = (typeof MEANING)[keyof typeof MEANING]

/** What an object is, by its type or role. */
export const BEING = {
  answer: 0,
  /** A message of the assistant. */
  message: 1,
  refusal: 2,
  toolCall: 3,
  media: 4,
  /** Somebody else's message, a thought, the result of a tool. */
  other: 5,
  /** A part of a message. */
  part: 6,
} as const
export type Being = (typeof BEING)[keyof typeof BEING]

const keyRows: Readonly<Record<Exclude<keyof typeof MEANING, 'none'>, string>> = {
  words: 'text value outputs result results data events response',
  parts: 'content parts',
  message: 'message delta output choices generations candidates messages kwargs',
  summary: 'output_text generated_text completion outputText',
  toolCall: 'tool_calls toolCalls toolUse tool_use function_call functionCall toolCall tool_call additional_tool_calls',
  refusal: 'refusal',
  media: 'inline_data inlineData blob image_url audio images files file_data fileData image document video',
  finish: 'finish_reason finishReason stop_reason stopReason finish_reasons',
  type: 'type event.name part_kind',
  role: 'role kind',
  thought: 'thought',
}

const typeRows: Readonly<Record<'refusal' | 'toolCall' | 'media' | 'other' | 'part', string>> = {
  part: 'text output_text',
  refusal: 'refusal',
  toolCall: `tool_call tool_use tool-call tool_calls function_call functionCall function server_tool_use mcp_call
    custom_tool_call web_search_call file_search_call computer_call code_interpreter_call image_generation_call
    local_shell_call server_tool_call mcp_tool_use builtin-tool-call`,
  media: 'image audio blob file uri file_data image_url output_audio input_audio video document media inline_data',
  other: `reasoning thinking redacted_thinking thought reasoning_content tool_call_response tool_result tool-result
    function_call_output server_tool_call_response web_search_tool_result human system tool
    gen_ai.system.message gen_ai.user.message gen_ai.tool.message gen_ai.assistant.message`,
}

const roleRows: Readonly<Record<'message' | 'other', string>> = {
  message: 'assistant model ai AI bot ASSISTANT MODEL',
  other: 'user system tool developer human function request USER SYSTEM TOOL',
}

/** The meaning of the key in [start, end). */
export function meaningOf(bytes: Uint8Array, start: number, end: number): Meaning {
  return keys.find(bytes, start, end) as Meaning
}

export function beingOfType(bytes: Uint8Array, start: number, end: number): Being {
  return types.find(bytes, start, end) as Being
}

export function beingOfRole(bytes: Uint8Array, start: number, end: number): Being {
  return roles.find(bytes, start, end) as Being
}

/** Words looked up by their bytes; 0 for all others. */
class Words {
  readonly #set: KeySet
  readonly #values: Uint8Array

  constructor(rows: Readonly<Record<string, string>>, numbers: Readonly<Record<string, number>>) {
    const pairs = Object.entries(rows).flatMap(([name, words]) =>
      words.split(/\s+/).map((word) => [word, numbers[name]!] as const),
    )
    this.#set = new KeySet(pairs.map(([word]) => word))
    this.#values = Uint8Array.from(pairs, ([, number]) => number)
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    const at = this.#set.find(bytes, start, end)
    return at < 0 ? 0 : this.#values[at]!
  }
}

const keys = new Words(keyRows, MEANING)
const types = new Words(typeRows, BEING)
const roles = new Words(roleRows, BEING)
