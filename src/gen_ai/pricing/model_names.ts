/** How models are called: with paths, regions and makers in front, and dates behind. */

/** The name as it is, without the path that some APIs put in front, and without Bedrock's region and maker. */
export function modelNamesOf(model: string): string[] {
  const plain = model.startsWith('models/') ? model.slice('models/'.length) : model
  const last = plain.slice(plain.lastIndexOf('/') + 1)
  return [...new Set([plain, last, last.replace(bedrockModel, '')])].filter((name) => name !== '')
}

/** Is one of them a name that only Bedrock gives? */
export function isOnBedrock(names: readonly string[]): boolean {
  return names.some((name) => bedrockModel.test(name))
}

/** What stands behind a model's name, of one that was tuned (Azure's way), and of a snapshot. */
const suffix = /\.ft-.*$|[-@]20\d{2}-?\d{2}-?\d{2}$|-latest$|-0\d{2}$/

/** What the model was made of: `gpt-4.1` of `ft:gpt-4.1:acme::a1b2`, or of a snapshot of it; undefined for any other. */
export function baseOf(names: readonly string[]): string | undefined {
  const name = names.at(-1)
  if (name === undefined) return undefined
  if (name.startsWith('ft:')) return name.split(':')[1]
  const base = name.replace(suffix, '')
  return base === name || base === '' ? undefined : base
}

/** Bedrock's model names: `us.anthropic.claude-…`, `amazon.nova-…`: where it is called, and who made it. */
const bedrockModel =
  /^(?:(?:us|eu|apac|jp|au|ca|in|sa|me|af|il|global|us-gov)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer|nvidia|google|minimax|moonshot|moonshotai|zai|stability|luma|twelvelabs)\./
