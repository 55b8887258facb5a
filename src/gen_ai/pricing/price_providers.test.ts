import { expect, test } from 'vitest'
import { isSelfHosted, payeeOf, UNNAMED } from './price_providers.ts'

test.each([
  ['openai', 'openai'],
  ['azure.ai.openai', 'azure'],
  ['az.ai.inference', 'azure'],
  ['az.ai.agents', 'azure'],
  ['azure_openai', 'azure'],
  ['microsoft.foundry', 'azure'],
  ['aws.bedrock', 'aws'],
  ['AWS', 'aws'],
  ['amazon-bedrock', 'aws'],
  ['anthropic_bedrock', 'aws'],
  ['gcp.gemini', 'google'],
  ['gcp.vertex.agent', 'google'],
  ['vertex_ai', 'google'],
  ['google.vertex.anthropic', 'google'],
  ['Together AI', 'together'],
  ['fireworks_ai', 'fireworks'],
  ['mistral_ai', 'mistral'],
  ['x_ai', 'x-ai'],
  ['moonshot_ai', 'moonshotai'],
])('%s is %s', (provider, id) => {
  expect(payeeOf(provider)).toBe(id)
})

test.each([
  '',
  'langchain',
  'LangGraph',
  'strands-agents',
  'spring_ai',
  'llama_index',
  'gateway',
  'vercel.ai',
  'LiteLLM',
])('"%s" is no provider', (name) => expect(payeeOf(name)).toBe(UNNAMED))

test.each(['acme', 'ibm.watsonx.ai', 'replicate', 'deepinfra', 'acme.chat'])('of %s nothing is known', (provider) => {
  expect(payeeOf(provider)).toBeUndefined()
  expect(isSelfHosted(provider)).toBe(false)
})

test.each([
  'ollama',
  'Ollama',
  'ChatOllama',
  'ollama.chat',
  'vllm',
  'hosted_vllm',
  'vllm-openai',
  'openai-vllm',
  'lm_studio',
  'LM Studio',
  'lmstudio',
  'llama.cpp',
  'llama_cpp',
  'tgi',
  'sglang',
  'local',
  'openai-compatible',
  'openai_like',
])('%s is a server of one’s own', (provider) => {
  expect(isSelfHosted(provider)).toBe(true)
  expect(payeeOf(provider)).toBeUndefined()
})
