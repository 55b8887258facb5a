/** Sizes of context windows by names of models, where no price list tells them: first of all of models that people run themselves. */
import { modelNamesOf } from '../pricing/model_names.ts'

const K = 1024

/**
 * How names begin, in lower case, and tokens that the window holds, input and output together, as the makers publish them. The
 * first that fits counts, so longer beginnings stand before shorter ones.
 */
const windows: readonly (readonly [beginning: RegExp, tokens: number])[] = [
  [/^gpt-5/, 400_000],
  [/^gpt-4\.1/, 1_047_576],
  [/^gpt-4\.5/, 128_000],
  [/^(?:chat)?gpt-4o|^gpt-4-turbo|^gpt-4-(?:1106|0125|vision)/, 128_000],
  [/^gpt-4-32k/, 32_768],
  [/^gpt-4(?:$|-)/, 8192],
  [/^gpt-3\.5-turbo-(?:0301|0613|instruct)/, 4096],
  [/^gpt-3\.5|^gpt-35/, 16_385],
  [/^gpt-oss/, 128 * K],
  [/^o1-(?:mini|preview)/, 128_000],
  [/^o[134](?:$|-)/, 200_000],
  [/^claude-(?:v1|instant|2\.0)/, 100_000],
  [/^claude/, 200_000],
  [/^gemini-1\.5-pro|^gemini-pro-1\.5/, 2 * K * K],
  [/^gemini-1\.0|^gemini-pro(?:$|-vision)/, 32_760],
  [/^gemini/, K * K],
  [/^gemma-?3n/, 32 * K],
  [/^gemma-?3[:-](?:270m|1b)/, 32 * K],
  [/^gemma-?3/, 128 * K],
  [/^gemma/, 8 * K],
  [/^command-a/, 256_000],
  [/^command-r/, 128_000],
  [/^command/, 4096],
  [/^(?:meta-)?llama-?4-scout|^llama-?4:scout/, 10 * K * K],
  [/^(?:meta-)?llama-?4/, K * K],
  [/^(?:meta-)?llama-?3[.p-][123]/, 128 * K],
  [/^(?:meta-)?llama-?3/, 8 * K],
  [/^(?:meta-)?llama-?2|^llama2/, 4 * K],
  [/^codellama/, 16 * K],
  [/^mistral-large-2402|^mixtral-8x7b|^mixtral:8x7b|^mixtral$/, 32 * K],
  [/^mixtral/, 64 * K],
  [/^codestral/, 256_000],
  [/^mistral-(?:7b|tiny)|^mistral(?:$|:)|^mistral-saba/, 32 * K],
  [/^magistral/, 40_000],
  [/^(?:mistral|ministral|pixtral|devstral|open-mistral)/, 128 * K],
  [/^deepseek-r1-distill|^deepseek-r1:|^deepseek/, 128 * K],
  [/^qwen-?3-(?:coder|next)|^qwen3-coder/, 256 * K],
  [/^qwen-?3/, 40 * K],
  [/^qwen-?2\.5-(?:[0-9.]+b-)?1m/, K * K],
  [/^qwen-?2\.5|^qwq/, 128 * K],
  [/^qwen-?2/, 32 * K],
  [/^phi-?3-(?:mini|small|medium)-4k/, 4 * K],
  [/^phi-?3/, 128 * K],
  [/^phi-?4-(?:mini|multimodal)/, 128 * K],
  [/^phi-?4/, 16 * K],
  [/^grok-4-fast|^grok-4-1-fast|^grok-4\.1-fast/, 2_000_000],
  [/^grok-(?:4|code)/, 256_000],
  [/^grok/, 128 * K],
  [/^nova-premier/, 1_000_000],
  [/^nova-(?:pro|lite)/, 300_000],
  [/^nova-micro/, 128_000],
  [/^titan-text-express/, 8 * K],
  [/^titan-text-(?:lite|premier)/, 4 * K],
  [/^jamba/, 256_000],
  [/^kimi-k2/, 256 * K],
  [/^glm-4\.[67]/, 200_000],
  [/^glm-4/, 128 * K],
  [/^smollm2/, 8 * K],
  [/^granite-?(?:3\.[1-9]|4)/, 128 * K],
]

/** The window of a model in tokens; undefined where its name tells nothing. */
export function windowByName(model: string): number | undefined {
  const names = modelNamesOf(model.toLowerCase().trim()).reverse()
  for (const name of names) {
    const base = name.startsWith('ft:') ? name.slice(3) : name
    const found = windows.find(([beginning]) => beginning.test(base))
    if (found !== undefined) return found[1]
  }
  return undefined
}
