/** Whose price a call pays: what emitters call providers, brought to the providers of the list. */
import { bundledList } from './price_list.ts'

/** What a provider's name says of the price: whose it is, that the name is of no provider, or that there is none. */
export type Payee = string | typeof UNNAMED | undefined
/** The name is missing, or one of a framework or gateway: the model's name has to tell. */
export const UNNAMED = Symbol('unnamed')

/** Parts of the names of servers that people run themselves: a hosted model of the same name says nothing of their price. */
const selfHosted = [
  'ollama',
  'vllm',
  'lmstudio',
  'lmdeploy',
  'llamacpp',
  'llamafile',
  'llamaserver',
  'textgenerationinference',
  'textgenerationwebui',
  'huggingfacetgi',
  'huggingfacelocal',
  'huggingfacepipeline',
  'sglang',
  'localai',
  'gpt4all',
  'koboldcpp',
  'xinference',
  'oobabooga',
  'exllama',
  'tabbyapi',
  'tensorrt',
  'foundrylocal',
  'dockermodelrunner',
  'selfhosted',
  'openaicompatible',
  'openailike',
  'sagemaker',
]
/** Those that are short, and part of other words: names begin so. */
const selfHostedBeginnings = ['tgi', 'local', 'mlx', 'triton', 'transformers', 'jan', 'custom', 'onprem']

/** Names of frameworks and gateways, which stand where a provider should. */
const unnamed = new Set([
  '',
  'unknown',
  'other',
  'none',
  'langchain',
  'langgraph',
  'llamaindex',
  'strandsagents',
  'strands',
  'springai',
  'autogen',
  'autogencore',
  'ag2',
  'crewai',
  'haystack',
  'litellm',
  'litellmproxy',
  'dspy',
  'semantickernel',
  'agno',
  'mastra',
  'genkit',
  'smolagents',
  'pydanticai',
  'instructor',
  'vercel',
  'aisdk',
  'gateway',
  'aigateway',
  'vercelaigateway',
  'portkey',
  'helicone',
])

/** Providers of the list by what their other names contain, where the list does not know it or takes it for another's. */
const containing: readonly (readonly [string, string])[] = [
  ['bedrock', 'aws'],
  ['vertex', 'google'],
  ['azure', 'azure'],
]
/** The same by how they begin. */
const beginning: readonly (readonly [string, string])[] = [
  ['aws', 'aws'],
  ['gcp', 'google'],
  ['gemini', 'google'],
  ['azai', 'azure'],
]

/** The same by the whole name. */
const named: Readonly<Record<string, string>> = {
  microsoftfoundry: 'azure',
  mistralai: 'mistral',
  moonshot: 'moonshotai',
  moonshotai: 'moonshotai',
  kimi: 'moonshotai',
  xai: 'x-ai',
  grok: 'x-ai',
  deepseekai: 'deepseek',
  fireworksai: 'fireworks',
  togetherai: 'together',
  perplexityai: 'perplexity',
  zhipu: 'zhipuai',
  bigmodel: 'zhipuai',
  novitaai: 'novita',
}

/**
 * Whose price holds where an emitter calls the provider so: its id there; undefined where the list cannot
 * say, because it does not know the provider, or since it is a server of one's own.
 */
export function payeeOf(provider: string): Payee {
  const squeezed = squeeze(provider)
  if (unnamed.has(squeezed)) return UNNAMED
  if (isSelfHosted(provider)) return undefined
  for (const [part, id] of containing) if (squeezed.includes(part)) return id
  for (const [part, id] of beginning) if (squeezed.startsWith(part)) return id
  const known = named[squeezed] ?? (bundledList.has(provider) ? provider : undefined)
  if (known !== undefined) return known
  // `deepseek.chat`: the provider's name, and which of its interfaces.
  const dot = provider.indexOf('.')
  return dot > 0 ? payeeOf(provider.slice(0, dot)) : undefined
}

/** Is the provider a server that people run themselves, in any spelling of its name? */
export function isSelfHosted(provider: string): boolean {
  const squeezed = squeeze(provider)
  return (
    selfHosted.some((name) => squeezed.includes(name)) || selfHostedBeginnings.some((name) => squeezed.startsWith(name))
  )
}

/** Of whose models people run copies themselves. */
const openWeights = new Set(['deepseek', 'mistral', 'moonshotai', 'minimax', 'zai', 'zhipuai'])

/** May a model that is called as one of this provider's (of the list) run on a server of one's own? */
export function isOpenlyShared(payee: string): boolean {
  return openWeights.has(payee)
}

/** Without case and without what stands between words. */
function squeeze(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}
