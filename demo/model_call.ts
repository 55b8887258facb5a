/** Model calls as three kinds of instrumentation write them. */
import type { Attributes, Tracer } from '@opentelemetry/api'
import type { Step } from './services.ts'

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly text: string
}

/** What a call was and gave. */
export interface Call {
  readonly provider: string
  readonly model: string
  readonly prompt: readonly Message[]
  /** Undefined where none came. */
  readonly answer?: string
  readonly tool?: { readonly name: string; readonly arguments: string }
  readonly input: number
  readonly output: number
  readonly cached?: number
  readonly finish: 'stop' | 'length' | 'content_filter' | 'tool_call'
  /** Of a streamed answer. */
  readonly firstChunk_s?: number
  readonly json?: boolean
  readonly conversation?: string
}

/** Writes the call as a child of `step` that takes the part `time` of it. */
export type Writer = (step: Step, tracer: Tracer, call: Call, time: readonly [number, number]) => Step

/** The OpenTelemetry GenAI conventions of today. */
export const writeConventions: Writer = (step, tracer, call, time) => {
  const attributes: Attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': call.provider,
    'gen_ai.request.model': call.model,
    'gen_ai.response.model': call.model,
    'gen_ai.input.messages': JSON.stringify(call.prompt.map(({ role, text }) => messageOf(role, text))),
    'gen_ai.usage.input_tokens': call.input,
    'gen_ai.usage.output_tokens': call.output,
    'gen_ai.response.finish_reasons': [call.finish],
  }
  if (call.cached) attributes['gen_ai.usage.cache_read.input_tokens'] = call.cached
  if (call.conversation) attributes['gen_ai.conversation.id'] = call.conversation
  if (call.json) attributes['gen_ai.output.type'] = 'json'
  if (call.firstChunk_s !== undefined) {
    attributes['gen_ai.request.stream'] = true
    attributes['gen_ai.response.time_to_first_chunk'] = call.firstChunk_s
  }
  const output = outputOf(call)
  if (output) attributes['gen_ai.output.messages'] = JSON.stringify([output])
  return step.step(tracer, `chat ${call.model}`, time, { kind: 2, attributes })
}

/** As OpenInference instrumentations write it: one attribute for each part of each message. */
export const writeOpenInference: Writer = (step, tracer, call, time) => {
  const attributes: Attributes = {
    'openinference.span.kind': 'LLM',
    'llm.provider': call.provider,
    'llm.system': call.provider,
    'llm.model_name': call.model,
    'llm.invocation_parameters': JSON.stringify({ model: call.model, temperature: 0.2 }),
    'llm.token_count.prompt': call.input,
    'llm.token_count.completion': call.output,
    'llm.token_count.total': call.input + call.output,
    'llm.finish_reason': call.finish,
  }
  for (const [at, { role, text }] of call.prompt.entries()) {
    attributes[`llm.input_messages.${at}.message.role`] = role
    attributes[`llm.input_messages.${at}.message.content`] = text
  }
  attributes['llm.output_messages.0.message.role'] = 'assistant'
  if (call.answer !== undefined) attributes['llm.output_messages.0.message.content'] = call.answer
  return step.step(tracer, 'ChatCompletion', time, { attributes })
}

/** As OpenLLMetry wrote it for years: numbered prompts and completions. */
export const writeTraceloop: Writer = (step, tracer, call, time) => {
  const attributes: Attributes = {
    'gen_ai.system': call.provider === 'openai' ? 'OpenAI' : call.provider,
    'llm.request.type': 'chat',
    'gen_ai.request.model': call.model,
    'gen_ai.response.model': call.model,
    'gen_ai.usage.prompt_tokens': call.input,
    'gen_ai.usage.completion_tokens': call.output,
    'llm.usage.total_tokens': call.input + call.output,
    'gen_ai.completion.0.role': 'assistant',
    'gen_ai.completion.0.finish_reason': call.finish,
  }
  for (const [at, { role, text }] of call.prompt.entries()) {
    attributes[`gen_ai.prompt.${at}.role`] = role
    attributes[`gen_ai.prompt.${at}.content`] = text
  }
  if (call.answer !== undefined) attributes['gen_ai.completion.0.content'] = call.answer
  return step.step(tracer, 'openai.chat', time, { kind: 2, attributes })
}

function messageOf(role: string, content: string) {
  return { role, parts: [{ type: 'text', content }] }
}

function outputOf({ answer, tool, finish }: Call) {
  if (tool) {
    const part = { type: 'tool_call', id: 'call_1', name: tool.name, arguments: tool.arguments }
    return { role: 'assistant', parts: [part], finish_reason: finish }
  }
  return answer === undefined ? undefined : { ...messageOf('assistant', answer), finish_reason: finish }
}
