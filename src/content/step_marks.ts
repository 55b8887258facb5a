/**
 * What gives away that a span, an event or a log record tells of a step (a model call, an agent, a tool, a search), by words
 * in names of attributes, events and scopes: also those of emitters that nobody has listed.
 */
import { contentOfEvent, contentOfScope } from './content_events.ts'
import { contentOfKey } from './content_keys.ts'
import { tellsStep } from './step_words.ts'

/** Whether the key of an attribute, or a metric's name, is one that only steps have. */
export function isKeyOfStep(key: string): boolean {
  const { group, scoped } = contentOfKey(key)
  return (group !== 0 && !scoped && !general.test(key)) || tellsStep(key) || namespaces.test(key) || hasWord(key, words)
}

/**
 * Whether the key says so by itself: one common word (`tokens`, `prompt`) does not make a line of a program's log one of a step.
 */
export function isSurelyOfStep(key: string): boolean {
  return surely.test(key)
}

/** The same of a logger's name. */
export function isScopeSurelyOfSteps(name: string): boolean {
  const { body, scoped } = contentOfScope(name)
  return !general.test(name) && (body !== 0 || scoped || surely.test(name))
}

/** Whether an event of that name tells of a step. */
export function isEventOfStep(name: string): boolean {
  const { body, attributes, scoped } = contentOfEvent(name)
  return body !== 0 || attributes !== 0 || scoped || namespaces.test(name) || hasWord(name, words)
}

/** Whether the scope of that name is an instrumentation of models or agents. */
export function isScopeOfSteps(name: string): boolean {
  const { body, scoped } = contentOfScope(name)
  return !general.test(name) && (body !== 0 || scoped || namespaces.test(name) || hasWord(name, scopeWords))
}

/** Logfire is used for everything, and writes the same attributes then; every process has a command line. */
const general = /^process\.command|^logfire(?:\.(?:msg|msg_template|json_schema|tags|span_type|level_num))?$/

/** Names of which nothing else begins so, … */
const sure = `gen_?ai llms? openinference traceloop lang(?:fuse|smith|graph|chain) llama_?index mlflow lmnr litellm openlit
  copilot_chat github\\.copilot braintrust crewai genkit pydantic_ai mastra gcp\\.vertex\\.agent spring\\.ai claude_code
  gemini_cli dspy autogen agno smolagents semantic_?kernel strands agentcore reranker`
/** … and those that others may have too. */
const likely = `ai mcp crew haystack flue lk claude codex gemini openai anthropic (?:aws\\.)?bedrock azure\\.ai ollama cohere
  mistral(?:ai)? groq sk retrieval embeddings? rag tool`
const surely = beginning(sure)
const namespaces = beginning(`${sure} ${likely}`)

function beginning(names: string): RegExp {
  return new RegExp(`^(?:${names.split(/\s+/).join('|')})(?:[._:/-]|$)`, 'i')
}

/** Words, or two in a row, that stand anywhere in the names of steps. */
const words =
  setOf(`llm llms genai gen_ai open_ai prompt prompts tokens token_count embeddings openai anthropic claude copilot
  tool_call tool_calls tool_name tool_use tool_input tool_output tool_result tool_args tool_arguments finish_reason
  finish_reasons chat_completion agent_task agent_step agent_run agent_output agent_input`)

const scopeWords = setOf(`ai llm llms genai gen_ai openai anthropic claude gemini copilot bedrock vertexai generativeai
  mistralai mistral cohere ollama groq vllm watsonx langchain langgraph langsmith langfuse llama llamaindex openinference
  traceloop openllmetry braintrust agents agent_sdk agent_framework mcp rag crewai autogen dspy haystack genkit mastra
  agno smolagents strands pipecat semantickernel semantic_kernel chromadb chroma pinecone qdrant weaviate milvus lancedb
  marqo`)

function setOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/))
}

function hasWord(name: string, wanted: ReadonlySet<string>): boolean {
  const parts = name
    .split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .map((part) => part.toLowerCase())
  return parts.some((part, at) => wanted.has(part) || wanted.has(`${part}_${parts[at + 1]}`))
}
