import { expect, test } from 'vitest'
import { traceBatch } from '../../test/support/otlp.ts'
import { Emitters } from './emitters.ts'

const AROUND_AN_SDK = [
  'openinference.instrumentation.openai',
  '@arizeai/openinference-instrumentation-anthropic',
  'opentelemetry.instrumentation.openai.v1',
  'opentelemetry.instrumentation.openai.v0',
  'opentelemetry.instrumentation.openai_v2',
  'opentelemetry.instrumentation.google_genai',
  'opentelemetry.instrumentation.botocore.bedrock-runtime',
  '@traceloop/instrumentation-bedrock',
  'openlit.instrumentation.anthropic',
  'io.opentelemetry.openai-java-1.1',
  'logfire.openai',
]
const ABOVE_SDKS = [
  'openinference.instrumentation.langchain',
  'openinference.instrumentation.openai_agents',
  'opentelemetry.instrumentation.llamaindex',
  '@traceloop/instrumentation-langchain',
  'openinference.instrumentation.litellm',
  'my-openai',
  'logfire',
  'pydantic-ai',
]

test.each([...AROUND_AN_SDK.map((name) => [name, true] as const), ...ABOVE_SDKS.map((name) => [name, false] as const)])(
  '%s instruments a provider’s SDK: %s',
  (name, isOfProvider) => {
    const batch = traceBatch([{}], { scope: { name } })
    expect(new Emitters().of(batch, 0)).toMatchObject({ isOfProvider })
  },
)
