/**
 * What the keys, types and roles inside messages mean, in the forms of the OpenTelemetry conventions and of the
 * providers and frameworks whose own objects emitters write down as they are (OpenAI, Anthropic, Gemini, Bedrock,
 * LangChain, Genkit, Vercel, pydantic-ai …). Rows of data: each says what a word means for who looks for the answer, and
 * whose words it announces.
 */
import { KeySet } from '../../telemetry/key_set.ts'
import { ROLES, type Role } from '../content_groups.ts'

/** What stands under a key. */
export const KEY_MEANING = {
  /** Nothing that tells of the answer. */
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
export type KeyMeaning = (typeof KEY_MEANING)[keyof typeof KEY_MEANING]

/** What an object is, by its type or role. */
export const PART_KIND = {
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
export type PartKind = (typeof PART_KIND)[keyof typeof PART_KIND]

/** Whose words, as a number: a role's is its content group's. */
export const WHOSE = {
  /** Not understood: anybody's. */
  unknown: 0,
  ...(Object.fromEntries(ROLES.map((role, at) => [role, at + 1])) as Record<Role, number>),
  /** Those of the message that it stands in. */
  message: ROLES.length + 1,
  /** A tool's call or its result. */
  tool: ROLES.length + 2,
  /** Those of messages that say so themselves; the message that it stands in does not. */
  others: ROLES.length + 3,
  /** The same; in a tool's call, what the tool is called with. */
  asked: ROLES.length + 4,
  /** Those of the message that it stands in; in a tool's call, what the tool gave back: … */
  given: ROLES.length + 5,
  /** … that may be what was found, … */
  found: ROLES.length + 6,
  /** … or an image or file that was made. */
  made: ROLES.length + 7,
  // Words that others use too. What they claim has to be borne out by what is around (`claims.ts`).
  answer: ROLES.length + 8,
  thought: ROLES.length + 9,
  documents: ROLES.length + 10,
  picture: ROLES.length + 11,
  file: ROLES.length + 12,
} as const
export type Whose = keyof typeof WHOSE
/** How many numbers stand for somebody: `unknown` and the roles. */
export const WHOSE_COUNT = ROLES.length + 1

type Row<Word extends string> = readonly [word: Word, whose: Whose, words: string]

const keyRows: readonly Row<keyof typeof KEY_MEANING>[] = [
  ['words', 'message', 'text value data events'],
  ['words', 'given', 'response'],
  ['words', 'found', 'results'],
  ['words', 'made', 'outputs result'],
  ['parts', 'message', 'content parts'],
  ['message', 'message', 'message kwargs'],
  ['message', 'given', 'output'],
  ['message', 'others', 'messages'],
  ['message', 'answer', 'delta choices generations candidates'],
  ['summary', 'answer', 'output_text generated_text completion outputText'],
  [
    'toolCall',
    'tool_call',
    'tool_calls toolCalls toolUse tool_use function_call functionCall toolCall tool_call additional_tool_calls',
  ],
  ['refusal', 'message', 'refusal'],
  ['media', 'media', 'inline_data inlineData image_url file_data fileData'],
  ['media', 'picture', 'blob audio images image video'],
  ['media', 'file', 'files document'],
  ['finish', 'message', 'finish_reason finishReason stop_reason stopReason finish_reasons'],
  ['type', 'message', 'type event.name part_kind'],
  ['role', 'message', 'role kind'],
  ['thought', 'thought', 'thought'],
  [
    'none',
    'message',
    `id name index model object created created_at timestamp lc author tool_call_id tool_name call_id
    toolCallId toolName mime_type modality format function action server_label container_id`,
  ],
  ['none', 'others', 'prompt prompts contents history chat_history conversation turns items state request body'],
  ['none', 'asked', 'input inputs arguments args parameters code query queries command'],
  ['none', 'given', 'logs stdout stderr'],
  ['none', 'thought', 'reasoning reasoning_content reasoningContent reasoning_details thinking'],
  ['none', 'tool_call', 'toolInput function_args tool_call_chunks invalid_tool_calls toolRequest server_tool_call'],
  [
    'none',
    'tool_result',
    `functionResponse function_response toolResult tool_result tool_response toolResponse tool_output toolOutput
    server_tool_call_response`,
  ],
  [
    'none',
    'system',
    `system system_prompt system_instruction systemInstruction system_instructions instructions tools functions
    tool_definitions toolConfig`,
  ],
  ['none', 'retrieved', 'retrieved_documents page_content pageContent'],
  ['none', 'documents', 'documents citations sources'],
  ['none', 'media', 'input_audio inputAudio'],
  ['none', 'file', 'transcript'],
  // Names that many emitters write, with anything under them.
  [
    'none',
    'unknown',
    `metadata usage additional_kwargs response_metadata usage_metadata usageMetadata logprobs annotations safetyRatings
    safety_ratings providerOptions providerMetadata config generationConfig generation_config token_usage tokenUsage
    llm_output llmOutput generation_info generationInfo moderation system_fingerprint service_tier status error tags
    response_id previous_response_id incomplete_details temperature top_p max_output_tokens max_tokens tool_choice
    parallel_tool_calls truncation custom artifact`,
  ],
]

const typeRows: readonly Row<keyof typeof PART_KIND>[] = [
  ['part', 'message', 'text output_text'],
  // In calls of a provider's own tools.
  ['answer', 'message', 'logs search open_page find find_in_page exec'],
  ['answer', 'message', 'message input_text constructor ChatGeneration LLMResult'],
  ['refusal', 'message', 'refusal'],
  [
    'toolCall',
    'tool_call',
    `tool_call tool_use tool-call tool_calls function_call functionCall server_tool_use mcp_call
    custom_tool_call web_search_call file_search_call computer_call code_interpreter_call image_generation_call
    local_shell_call shell_call apply_patch_call server_tool_call mcp_tool_use builtin-tool-call`,
  ],
  // OpenAI calls a tool's call so, LangChain its result.
  ['toolCall', 'tool', 'function'],
  ['media', 'media', 'image audio blob uri image_url output_audio input_audio video media inline_data'],
  // Of texts too.
  ['media', 'file', 'file file_data document'],
  ['answer', 'media', 'input_image'],
  ['answer', 'file', 'input_file'],
  ['other', 'reasoning', 'reasoning thinking redacted_thinking thought reasoning_content'],
  [
    'other',
    'tool_result',
    `tool_call_response tool_result tool-result function_call_output server_tool_call_response web_search_tool_result
    tool gen_ai.tool.message`,
  ],
  [
    'answer',
    'tool_result',
    `tool-return builtin-tool-return mcp_tool_result custom_tool_call_output computer_call_output
    local_shell_call_output shell_call_output apply_patch_call_output ToolMessage FunctionMessage`,
  ],
  ['other', 'user', 'human gen_ai.user.message'],
  ['answer', 'user', 'user user-prompt HumanMessage'],
  ['other', 'system', 'system gen_ai.system.message'],
  ['answer', 'system', 'developer system-prompt SystemMessage'],
  // Of former turns.
  ['other', 'assistant', 'gen_ai.assistant.message'],
  ['answer', 'assistant', 'ai assistant AIMessage AIMessageChunk gen_ai.choice'],
]

const roleRows: readonly Row<keyof typeof PART_KIND>[] = [
  ['message', 'assistant', 'assistant model ai AI bot ASSISTANT MODEL'],
  ['answer', 'assistant', 'response CHATBOT agent'],
  ['other', 'user', 'user human USER'],
  ['other', 'system', 'system developer SYSTEM'],
  ['other', 'tool_result', 'tool function TOOL'],
  ['other', 'message', 'request'],
  ['answer', 'message', 'message text'],
]

/** Words looked up by their bytes. Numbers from 1 on; 0 stands for all words that no row has. */
export class Words {
  readonly #set: KeySet
  readonly #senses: Uint8Array
  readonly #whose: Uint8Array

  constructor(rows: readonly Row<string>[], senses: Readonly<Record<string, number>>) {
    const words = rows.flatMap(([sense, whose, text]) => text.split(/\s+/).map((word) => ({ sense, whose, word })))
    this.#set = new KeySet(words.map(({ word }) => word))
    this.#senses = Uint8Array.from([0, ...words.map(({ sense }) => senses[sense]!)])
    this.#whose = Uint8Array.from([WHOSE.unknown, ...words.map(({ whose }) => WHOSE[whose])])
  }

  /** In the order of their numbers. */
  get words(): readonly string[] {
    return this.#set.names
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#set.find(bytes, start, end) + 1
  }

  /** Its KEY_MEANING or PART_KIND, 0 for the words that no row has. */
  sense(word: number): number {
    return this.#senses[word]!
  }

  whose(word: number): number {
    return this.#whose[word]!
  }
}

export const keyWords = new Words(keyRows, KEY_MEANING)
export const typeWords = new Words(typeRows, PART_KIND)
export const roleWords = new Words(roleRows, PART_KIND)

/** The key of a whole attribute: messages, or what holds them. */
export const ROOT = keyWords.find(Buffer.from('value'), 0, 5)

export function meaningOf(key: number): KeyMeaning {
  return keyWords.sense(key) as KeyMeaning
}
