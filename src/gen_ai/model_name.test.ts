import { describe, expect, test } from 'vitest'
import { modelId } from './model_name.ts'

const of = (name: string) => modelId(Buffer.from(`<${name}>`), 1, 1 + Buffer.byteLength(name))

describe('names of models', () => {
  test.each([
    ['openai/gpt-4o', 'gpt-4o'],
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-sonnet-4-5'],
    ['anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5@20251001'],
    ['us-gov.amazon.nova-lite-v1:0', 'nova-lite'],
    ['models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['/data/models/gpt-oss-20b', 'gpt-oss-20b'],
    ['accounts/fireworks/models/deepseek-v3', 'deepseek-v3'],
  ])('%s and %s are of one', (one, other) => {
    expect(of(one)).toBe(of(other))
  })

  test.each([
    ['gpt-4.1', 'gpt-4'],
    ['gpt-4.1', '1'],
    ['claude-3.5-sonnet', '5-sonnet'],
    ['deepseek-v3', 'deepseek'],
    ['llama3.2', 'llama3'],
    ['qwen2.5-coder', '5-coder'],
    ['gpt-4o', 'gpt-4o-mini'],
    ['nova-lite-v1:0', 'nova-pro-v1:0'],
    ['gpt-oss-20b', 'gpt-oss-120b'],
  ])('%s and %s are two', (one, other) => {
    expect(of(one)).not.toBe(of(other))
  })

  test.each(['', '/', 'openai/', '-20250929', '@', 'a.b.c.d', '🙂', '-v1:0'])('%j is a name or none', (name) => {
    expect(of(name) === 0).toBe(name === '')
  })
})
