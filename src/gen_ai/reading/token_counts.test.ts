import { describe, expect, test } from 'vitest'
import { callOf } from '../span.fixture.ts'

describe('token counts', () => {
  const bedrock = { scope: 'opentelemetry.instrumentation.botocore.bedrock-runtime' }
  test.each<[string, { scope?: string }, Record<string, number>, number, number, number]>([
    ['inclusive', {}, { input: 1573, read: 1531, write: 23 }, 1573, 5, 0],
    ['cached is more than input', {}, { input: 19, read: 1531, write: 23 }, 1573, 5, 1554],
    ['Bedrock, cached is less than input', bedrock, { input: 227, read: 100 }, 327, 5, 100],
    ['Bedrock without cached', bedrock, { input: 227 }, 227, 5, 0],
    ['input unknown', bedrock, { read: 100 }, Number.NaN, 5, 0],
    ['reasoning is part of output', {}, { input: 1, reasoning: 4 }, 1, 5, 0],
    ['reasoning is more than output', {}, { input: 1, reasoning: 64 }, 1, 69, 64],
  ])('%s', (_, scope, tokens, input, output, corrected) => {
    const attributes: Record<string, string | number> = {
      'gen_ai.system': 'aws.bedrock',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.output_tokens': 5,
    }
    if (tokens['input'] !== undefined) attributes['gen_ai.usage.input_tokens'] = tokens['input']
    if (tokens['read'] !== undefined) attributes['gen_ai.usage.cache_read.input_tokens'] = tokens['read']
    if (tokens['write'] !== undefined) attributes['gen_ai.usage.cache_creation.input_tokens'] = tokens['write']
    if (tokens['reasoning'] !== undefined) attributes['gen_ai.usage.reasoning.output_tokens'] = tokens['reasoning']
    const call = callOf({ ...scope, attributes })!
    expect([call.inputTokens, call.outputTokens, call.correctedTokens]).toEqual([input, output, corrected])
  })

  test.each<[string, string | number | boolean, number]>([
    ['an int', 12, 12],
    ['a double', 12.0001, 12],
    ['a text', '12', 12],
    ['a negative', -1, Number.NaN],
    ['no number', 'many', Number.NaN],
    ['a bool', true, Number.NaN],
    ['absurd', 1e300, Number.NaN],
  ])('from %s', (_, value, is) => {
    const attributes = {
      'gen_ai.provider.name': 'x',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': value,
    }
    expect(callOf({ attributes })!.inputTokens).toEqual(is)
  })
})

describe('token counts that dialects tell in their own way', () => {
  const usage = (value: object) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': JSON.stringify(value),
  })
  const ai = (provider: string, more: Record<string, number | string>) => ({
    'ai.operationId': 'ai.generateText.doGenerate',
    'ai.model.provider': provider,
    'gen_ai.usage.input_tokens': 50,
    'gen_ai.usage.output_tokens': 5,
    ...more,
  })
  test.each<[string, Record<string, string | number>, readonly number[]]>([
    [
      'Langfuse with OpenAI’s details',
      usage({
        prompt_tokens: 50,
        completion_tokens: 9,
        prompt_tokens_details: { cached_tokens: 30 },
        completion_tokens_details: { reasoning_tokens: 4 },
      }),
      [50, 9, 30, Number.NaN, 4],
    ],
    [
      'Langfuse’s own keys',
      usage({ input: 20, output: 5, total: 59, input_cached_tokens: 30, output_reasoning_tokens: 4 }),
      [50, 9, 30, Number.NaN, 4],
    ],
    [
      'Langfuse with Anthropic’s keys',
      usage({ input_tokens: 20, output_tokens: 9, cache_read_input_tokens: 30, cache_creation_input_tokens: 7 }),
      [57, 9, 30, 7, Number.NaN],
    ],
    ['AI SDK 5, OpenAI', ai('openai.chat', { 'ai.usage.cachedInputTokens': 30 }), [50, 5, 30, Number.NaN, Number.NaN]],
    [
      'AI SDK 5, Anthropic',
      ai('anthropic.messages', {
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata': '{"anthropic":{"cacheCreationInputTokens":7}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 6, Anthropic',
      ai('anthropic.messages', {
        'ai.usage.inputTokenDetails.cacheReadTokens': 30,
        'ai.usage.inputTokenDetails.cacheWriteTokens': 7,
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata': '{"anthropic":{"cacheCreationInputTokens":7}}',
      }),
      [50, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 5, Anthropic’s own usage, by way of Google',
      ai('vertex.anthropic.messages', {
        'ai.usage.cachedInputTokens': 30,
        'ai.response.providerMetadata':
          '{"anthropic":{"usage":{"input_tokens":50,"cache_creation_input_tokens":7,"cache_read_input_tokens":30},"cacheCreationInputTokens":7}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 5, Bedrock’s own usage',
      ai('amazon-bedrock', {
        'ai.response.providerMetadata': '{"bedrock":{"usage":{"cacheReadInputTokens":30,"cacheWriteInputTokens":7}}}',
      }),
      [87, 5, 30, 7, Number.NaN],
    ],
    [
      'AI SDK 4, OpenAI’s details, below the name that a compatible provider was given',
      ai('deepinfra.chat', {
        'ai.response.providerMetadata': '{"deepinfra":{"reasoningTokens":4,"cachedPromptTokens":30}}',
      }),
      [50, 5, 30, Number.NaN, 4],
    ],
    [
      'AI SDK 5, Google’s own usage: thoughts beside the output',
      ai('google.vertex.chat', {
        'ai.response.providerMetadata':
          '{"vertex":{"usageMetadata":{"thoughtsTokenCount":4,"cachedContentTokenCount":30,"promptTokenCount":50}}}',
      }),
      [50, 9, 30, Number.NaN, 4],
    ],
    [
      'Genkit’s plugin for Anthropic',
      {
        'genkit:metadata:subtype': 'model',
        'genkit:output':
          '{"usage":{"inputTokens":13,"outputTokens":9,"custom":{"cache_creation_input_tokens":7,"cache_read_input_tokens":30}}}',
      },
      [50, 9, 30, 7, Number.NaN],
    ],
    [
      'LangSmith’s writes by lifetime, as it writes them in JavaScript',
      {
        'langsmith.span.kind': 'llm',
        'langsmith.usage_metadata':
          '{"input_tokens":50,"output_tokens":9,"input_token_details":{"cache_read":30,"ephemeral_5m_input_tokens":3,"ephemeral_1hr_input_tokens":4}}',
      },
      [50, 9, 30, 7, Number.NaN],
    ],
    [
      'Langfuse, reads as a detail and writes beside it',
      usage({
        prompt_tokens: 50,
        completion_tokens: 9,
        prompt_tokens_details: { cached_tokens: 30 },
        cache_creation_input_tokens: 7,
      }),
      [50, 9, 30, 7, Number.NaN],
    ],
    ...['usage_metadata', 'metadata.usage_metadata'].map((name): [string, Record<string, string>, number[]] => [
      `LangSmith’s ${name}`,
      {
        'langsmith.span.kind': 'llm',
        [`langsmith.${name}`]:
          '{"input_tokens":50,"output_tokens":9,"input_token_details":{"cache_read":30,"cache_creation":7},"output_token_details":{"reasoning":4}}',
      },
      [50, 9, 30, 7, 4],
    ]),
    [
      'a Python object',
      {
        'gen_ai.system': 'openai',
        'llm.request.type': 'completion',
        'gen_ai.usage.input_tokens': 50,
        'metadata.usage_object':
          "{'prompt_tokens': 50, 'details': Details(a='}'), 'prompt_tokens_details': {'audio': None, 'cached_tokens': 30}}",
      },
      [50, Number.NaN, 30, Number.NaN, Number.NaN],
    ],
  ])('%s', (name, attributes, is) => {
    const call = callOf({ scope: name === 'a Python object' ? 'litellm' : 'any', attributes })!
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = call
    expect([inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens]).toEqual(is)
  })

  const oiBedrock = '@arizeai/openinference-instrumentation-bedrock'
  const answer = '{"usage":{"inputTokens":20,"outputTokens":5,"cacheReadInputTokens":30,"cacheWriteInputTokens":7}}'
  test.each<[string, Record<string, string | number>, readonly number[]]>([
    ['in the answer as it came', { 'output.value': answer, 'llm.token_count.total': 62 }, [57, 5, 30, 7]],
    ['by a sum only', { 'llm.token_count.total': 62 }, [57, 5, Number.NaN, Number.NaN]],
    ['not at all', { 'llm.token_count.total': 25 }, [20, 5, Number.NaN, Number.NaN]],
    ['nor a sum', {}, [20, 5, Number.NaN, Number.NaN]],
  ])('OpenInference tells of Bedrock’s cache %s', (_, more, is) => {
    const tokens = { 'llm.token_count.prompt': 20, 'llm.token_count.completion': 5 }
    const call = callOf({ scope: oiBedrock, attributes: { 'openinference.span.kind': 'LLM', ...tokens, ...more } })!
    expect([call.inputTokens, call.outputTokens, call.cacheReadTokens, call.cacheWriteTokens]).toEqual(is)
  })

  test('OpenInference tells of LangChain’s writes to a cache in the answer as it came', () => {
    const attributes = {
      'openinference.span.kind': 'LLM',
      'llm.token_count.prompt': 57,
      'llm.token_count.prompt_details.cache_read': 30,
      'output.value':
        '{"generations":[[{"message":{"kwargs":{"usage_metadata":{"input_token_details":{"cache_creation":7,"cache_read":30}}}}}]]}',
    }
    const call = callOf({ scope: '@arizeai/openinference-instrumentation-langchain', attributes })!
    expect([call.inputTokens, call.cacheReadTokens, call.cacheWriteTokens]).toEqual([57, 30, 7])
  })

  const of = (scope: string) => ({ scope, 'gen_ai.system': 'anthropic', 'gen_ai.operation.name': 'chat' })
  const newest = { 'gen_ai.provider.name': 'aws.bedrock' }
  test.each<[string, { scope: string }, number, number]>([
    ['OpenLLMetry for JavaScript, Anthropic', of('@traceloop/instrumentation-anthropic'), 87, 9],
    ['OpenLLMetry for JavaScript, Bedrock', of('@traceloop/instrumentation-bedrock'), 87, 9],
    ['OpenLLMetry for JavaScript, others', of('@traceloop/instrumentation-openai'), 50, 9],
    ['OpenLLMetry for Python, Bedrock', of('opentelemetry.instrumentation.bedrock'), 87, 9],
    ['OpenTelemetry’s own for Bedrock', { ...of('opentelemetry.instrumentation.genai.bedrock'), ...newest }, 87, 9],
    ['OpenLLMetry for Python, Anthropic', of('opentelemetry.instrumentation.anthropic'), 50, 9],
    ['Bedrock', of('opentelemetry.instrumentation.botocore.bedrock-runtime'), 87, 9],
  ])('by scope: %s', (_, { scope, ...attributes }, input, output) => {
    const tokens = {
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.total_tokens': 59,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.cache_creation.input_tokens': 7,
    }
    const call = callOf({ scope, attributes: { ...attributes, ...tokens } })!
    expect([call.inputTokens, call.outputTokens]).toEqual([input, output])
  })

  const claude = 'openinference.instrumentation.claude_agent_sdk'
  const bedrock = 'openinference.instrumentation.bedrock'
  const others = 'openinference.instrumentation.langchain'
  test.each<[string, string, number, number, number]>([
    ['is the provider’s, and no more than both', bedrock, 59, 50, 9],
    ['has the cached tokens beside, of Converse', bedrock, 96, 87, 9],
    ['is not there, of InvokeModel', bedrock, Number.NaN, 50, 9],
    ['is not there', claude, Number.NaN, 87, 9],
    ['fits nothing', claude, 77, 87, 9],
    ['is added up by the emitter', others, 59, 50, 9],
    ['has the cached tokens beside', others, 96, 87, 9],
    ['has only the reads beside', others, 89, 80, 9],
    ['has the reasoning beside', others, 63, 50, 13],
    ['has both beside', others, 100, 87, 13],
    ['is less than both', others, 20, 50, 9],
    ['fits nothing, elsewhere', others, 77, 50, 9],
  ])('a sum that %s, %s', (_, scope, total, input, output) => {
    const attributes: Record<string, string | number> = {
      'openinference.span.kind': 'LLM',
      'llm.token_count.prompt': 50,
      'llm.token_count.completion': 9,
      'llm.token_count.prompt_details.cache_read': 30,
      'llm.token_count.prompt_details.cache_write': 7,
      'llm.token_count.completion_details.reasoning': 4,
    }
    if (total > 0) attributes['llm.token_count.total'] = total
    const call = callOf({ scope, attributes })!
    expect([call.inputTokens, call.outputTokens]).toEqual([input, output])
  })

  test.each<[string, Record<string, string | number>, number]>([
    ['thoughts in the response', {}, 250],
    ['thoughts in the output, as the sum tells', { 'gen_ai.usage.output_tokens': 250 }, 250],
    [
      'thoughts in the output, by name',
      { 'gen_ai.usage.reasoning.output_tokens': 210, 'gcp.vertex.agent.llm_response': '{}' },
      250,
    ],
    ['thoughts beside the output, by name', { 'gen_ai.usage.experimental.reasoning_tokens': 210 }, 250],
  ])('Google ADK: %s', (_, more, output) => {
    const usage = { prompt_token_count: 300, candidates_token_count: 40, thoughts_token_count: 210 }
    const attributes = {
      'gen_ai.operation.name': 'generate_content',
      'gen_ai.usage.input_tokens': 300,
      'gen_ai.usage.output_tokens': 40,
      'gcp.vertex.agent.llm_response': JSON.stringify({ usage_metadata: { ...usage, total_token_count: 550 } }),
      ...more,
    }
    expect(callOf({ scope: 'gcp.vertex.agent', attributes })!.outputTokens).toBe(output)
  })

  test.each<[string, Record<string, string | number>, readonly number[]]>([
    ['of Google', { 'gen_ai.provider.name': 'gcp.gen_ai' }, [17, 8]],
    ['of Google, with cached tokens', { 'gen_ai.usage.cache_read.input_tokens': 6 }, [17, 8]],
    ['of Google that tells of thoughts', { 'gen_ai.usage.reasoning.output_tokens': 4 }, [9, 4]],
    ['of Google and no more than both', { 'gen_ai.usage.total_tokens': 59 }, [9, Number.NaN]],
    ['of Google without an output', { 'gen_ai.usage.output_tokens': 'none' }, [Number.NaN, Number.NaN]],
    ['of another provider', { 'gen_ai.provider.name': 'openai' }, [9, Number.NaN]],
  ])('a sum %s that knows more than both', (_, more, is) => {
    const attributes = {
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.total_tokens': 67,
      ...more,
    }
    const call = callOf({ attributes })!
    expect([call.outputTokens, call.reasoningTokens]).toEqual(is)
  })

  test.each<[string, readonly number[]]>([
    ['cache_read_tokens cache_write_tokens reasoning_tokens', [30, 7, 4]],
    ['cache_read_input_tokens cache_creation_input_tokens thinking', [30, 7, Number.NaN]],
    ['cached_tokens none reasoning_tokens', [30, Number.NaN, 4]],
    ['cached_content_tokens none thoughts_tokens', [30, Number.NaN, 4]],
  ])('pydantic-ai with details %s', (names, is) => {
    const [read, write, reasoning] = names.split(' ')
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.usage.input_tokens': 50,
      'gen_ai.usage.output_tokens': 9,
      [`gen_ai.usage.details.${read}`]: 30,
      [`gen_ai.usage.details.${write}`]: 7,
      [`gen_ai.usage.details.${reasoning}`]: 4,
    }
    const call = callOf({ scope: 'pydantic-ai', attributes })!
    expect([call.cacheReadTokens, call.cacheWriteTokens, call.reasoningTokens]).toEqual(is)
    expect([call.inputTokens, call.outputTokens]).toEqual([50, 9])
  })

  const cached = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.usage.input_tokens': 50,
    'gen_ai.usage.cache_read.input_tokens': 30,
    'gen_ai.usage.cache_creation.input_tokens': 7,
  }
  const chat = (format: string, more: Record<string, string> = {}) => ({
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.message.format': `"${format}"`,
    'mlflow.chat.tokenUsage':
      '{"input_tokens": 50, "output_tokens": 9, "total_tokens": 59, "cache_read_input_tokens": 30}',
    ...more,
  })
  test.each<[string, string, Record<string, string | number>, number]>([
    ['OpenLIT, Anthropic', 'openlit.x', { ...cached, 'gen_ai.provider.name': 'anthropic' }, 87],
    ['OpenLIT, Bedrock', 'openlit.x', { ...cached, 'gen_ai.provider.name': 'aws.bedrock' }, 87],
    ['OpenLIT, OpenAI', 'openlit.x', { ...cached, 'gen_ai.provider.name': 'openai' }, 50],
    ['MLflow, Anthropic', 'mlflow.anthropic', chat('anthropic'), 80],
    ['MLflow, OpenAI', 'mlflow.openai', chat('openai'), 50],
    [
      'MLflow, Anthropic’s answer',
      'mlflow.anthropic',
      {
        'mlflow.spanType': '"CHAT_MODEL"',
        'mlflow.spanOutputs':
          '{"usage": {"input_tokens": 50, "output_tokens": 9, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 7}}',
      },
      87,
    ],
    [
      'MLflow, OpenAI’s answer',
      'mlflow.openai',
      {
        'mlflow.spanType': '"CHAT_MODEL"',
        'mlflow.spanOutputs': '{"usage": {"prompt_tokens": 50, "prompt_tokens_details": {"cached_tokens": 30}}}',
      },
      50,
    ],
  ])('by provider: %s', (_, scope, attributes, input) => {
    expect(callOf({ scope, attributes })!.inputTokens).toBe(input)
  })

  test('a cost of nothing is no cost where the emitter does not know the model', () => {
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.usage.cost': 0 }
    expect(callOf({ scope: 'openlit.x', attributes })!.cost_usd).toBeNaN()
  })
})
