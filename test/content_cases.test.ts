/** Small requests in which content left under a new name, or a label was taken for content, a secret or an address. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Batches } from '../src/component.ts'
import { decode, type Message } from '../src/otlp/codec.ts'
import { jsonToProtobuf } from '../src/otlp/json_to_protobuf.ts'
import { receive } from '../src/telemetry/receive.ts'
import { attributesOf, itemsOf, logBatch, metricBatch, type Plain, traceBatch } from './support/otlp.ts'
import { exitsOfRequest } from './support/redacted.ts'

const folder = new URL('cases/reports/', import.meta.url)

function caseOf(number: string): Batches['traces'] {
  const name = readdirSync(folder).find((file) => file.startsWith(`${number}-`))!
  return receive('traces', jsonToProtobuf('TracesRequest', readFileSync(new URL(name, folder)))).batch
}

/** Attributes of all spans under their keys; each key stands in one span only, or says the same in all. */
async function attributes(batch: Batches['traces'], config?: object): Promise<Record<string, Plain>> {
  const { batch: redacted } = await exitsOfRequest(batch, config)
  return Object.fromEntries(itemsOf(redacted).flatMap((span) => attributesOf(span)))
}

const dropped = /^\[DROPPED length=\d+( parts=\d+)?\]$/
const POLICIES = ['drop', 'mask'] as const

describe('content under names of new emitters', () => {
  const keys = `copilot_chat.user_request copilot_chat.prompt_context copilot_chat.prompt_instructions
    copilot_chat.reasoning_content copilot_chat.markdown_content copilot_chat.hook_input copilot_chat.hook_output
    github.copilot.tool.parameters.command braintrust.input_json braintrust.output_json braintrust.expected
    gen_ai.input.messages`.split(/\s+/)

  test('is dropped, and nothing of it is left anywhere', async () => {
    const batch = caseOf('01')
    const all = await attributes(batch)
    for (const key of keys) expect(all[key], key).toMatch(dropped)
    const { batch: redacted, records, metrics, meter } = await exitsOfRequest(batch)
    for (const exit of [redacted, ...records, ...metrics]) expect(exit.bytes.includes('Zebra')).toBe(false)
    expect(meter.value('sluice_redaction_dropped_content', { role: 'reasoning' })).toBe(1)
  })

  test('what says who and what it was stays', async () => {
    const all = await attributes(
      traceBatch([
        {
          attributes: {
            'gen_ai.operation.name': 'execute_tool',
            'github.copilot.tool.parameters.edit_type': 'create',
            'github.copilot.tool.parameters.skill_name': 'release notes',
            'braintrust.scores': '{"factuality":0.7}',
            'braintrust.metadata.model': 'gpt-4.1',
            'braintrust.metadata.customer_note': 'likes blue',
            'copilot_chat.turn_content': 'short words',
            'copilot_chat.turn_count': '3',
          },
        },
      ]),
    )
    expect(all).toMatchObject({
      'github.copilot.tool.parameters.edit_type': 'create',
      'github.copilot.tool.parameters.skill_name': 'release notes',
      'braintrust.scores': '{"factuality":0.7}',
      'braintrust.metadata.model': 'gpt-4.1',
      'braintrust.metadata.customer_note': expect.stringMatching(dropped),
      'copilot_chat.turn_content': expect.stringMatching(dropped),
      'copilot_chat.turn_count': '3',
    })
  })
})

describe('labels of who spent what', () => {
  const labels = {
    'metadata.user_api_key_alias': 'prod-summarizer',
    'metadata.user_api_key_team_alias': 'search',
    'metadata.user_api_key_team_id': 'team-7',
    'metadata.user_api_key_org_id': 'org-1',
    'metadata.user_api_key_user_id': 'u-17',
    'metadata.user_api_key_end_user_id': 'customer-9',
    user_api_key_team_id: 'team-7',
    user_api_key_user_id: 'u-17',
    'llm.user_api_key_alias': 'prod-summarizer',
    api_key_alias: 'prod-summarizer',
    'authorization.decision': 'deny',
    password_policy: 'strong',
  }

  test.each(POLICIES)('stay under %s, as attributes of spans and as labels', async (content) => {
    expect(await attributes(caseOf('10'), { content })).toMatchObject(labels)
    const metrics = metricBatch([{ name: 'calls', points: [{ attributes: labels }] }])
    const { batch } = await exitsOfRequest(metrics, { content })
    expect(batch).toBe(metrics)
  })

  test('notes beside them are content', async () => {
    const all = await attributes(
      traceBatch(
        [
          {
            attributes: {
              'gen_ai.operation.name': 'chat',
              'metadata.user_api_key_auth_metadata': '{"note":"Ann asked for it"}',
              'metadata.user_api_key_project_alias': 'shop',
              'litellm.metadata.user_api_key_spend': '0.25',
              'langfuse.trace.metadata.prompt_name': 'greeting',
              'langfuse.trace.metadata.prompt_version': '3',
              'ai.telemetry.metadata.promptName': 'greeting',
              'langsmith.metadata.document_id': 'doc-1',
              'traceloop.association.properties.score': '0.4',
              'gen_ai.prompt.version': '12',
              'metadata.cost_center': 'R-12',
            },
          },
        ],
        { scope: { name: 'litellm' } },
      ),
    )
    expect(all).toMatchObject({
      'metadata.user_api_key_auth_metadata': expect.stringMatching(dropped),
      'metadata.user_api_key_project_alias': 'shop',
      'litellm.metadata.user_api_key_spend': '0.25',
      'langfuse.trace.metadata.prompt_name': 'greeting',
      'langfuse.trace.metadata.prompt_version': '3',
      'ai.telemetry.metadata.promptName': 'greeting',
      'langsmith.metadata.document_id': 'doc-1',
      'traceloop.association.properties.score': '0.4',
      'gen_ai.prompt.version': '12',
      'metadata.cost_center': 'R-12',
    })
  })

  test.each(POLICIES)('secrets go under %s, as attributes of spans and as labels', async (content) => {
    const secrets = {
      api_key: 'prod-summarizer',
      'x-api-key': 'prod-summarizer',
      openai_api_key: 'prod-summarizer',
      'db.password': 'strong',
      'http.request.header.authorization': 'deny-everything',
      user_api_key: 'prod-summarizer',
    }
    const all = await attributes(traceBatch([{ attributes: secrets }]), { content })
    for (const key of Object.keys(secrets)) expect(all[key], key).toBe('[API_KEY]')
    const metrics = metricBatch([{ name: 'calls', points: [{ attributes: secrets }] }])
    const { meter } = await exitsOfRequest(metrics, { content })
    expect(meter.value('sluice_redaction_findings', { kind: 'api_key' })).toBe(Object.keys(secrets).length)
  })
})

describe('versions of four numbers', () => {
  test.each(POLICIES)('stay under %s; addresses do not', async (content) => {
    const batch = caseOf('11')
    expect(await attributes(batch, { content })).toMatchObject({
      'app.version': '24.11.2.1',
      'exception.stacktrace': 'at Client.Send (Azure.Core, Version=10.45.0.2, Culture=neutral)',
      upgrade: 'CUDA 12.2.140.1',
      'client.address': '[IP]',
    })
    const { batch: redacted } = await exitsOfRequest(batch, { content })
    const [group] = decode('TracesRequest', redacted.bytes)['resourceSpans'] as Message[]
    expect(Object.fromEntries(attributesOf(group!['resource'] as Message))).toMatchObject({
      'service.version': '10.4.2.1',
      'telemetry.distro.version': '1.12.10.3',
    })
  })

  test('wherever a version stands', async () => {
    const { batch } = await exitsOfRequest(
      traceBatch(
        [
          {
            attributes: {
              version: '10.4.2.1',
              'host.driverVersion': '10.129.3.1',
              SDKVersion: '10.129.3.2',
              'app.release': '10.129.3.3',
              'unit.conversion': '203.0.113.11',
              build: { version: '10.4.2.2', host: '203.0.113.8' },
              note: 'driver 10.129.3.1 on 203.0.113.9, gcc-12.2.14.1 at 203.0.113.10',
              'net.peer.ip': '203.0.113.7',
            },
          },
        ],
        { scope: { name: 'lib', version: '10.4.2.3' } },
      ),
      { content: 'mask' },
    )
    expect(Object.fromEntries(attributesOf(itemsOf(batch)[0]))).toMatchObject({
      version: '10.4.2.1',
      'host.driverVersion': '10.129.3.1',
      SDKVersion: '10.129.3.2',
      'app.release': '10.129.3.3',
      'unit.conversion': '[IP]',
      build: { version: '10.4.2.2', host: '[IP]' },
      note: 'driver 10.129.3.1 on [IP], gcc-12.2.14.1 at [IP]',
      'net.peer.ip': '[IP]',
    })
    expect(batch.bytes.includes('10.4.2.3')).toBe(true)
  })

  test.each([
    ['145.0.0.0', true],
    ['99.1.2.3', true],
    ['203.0.113.77', false],
    ['100.1.2.3', false],
    ['2001:db8:85a3::8a2e:370:7334', false],
  ])('%s is one under such a key: %s', async (value, stays) => {
    const batch = traceBatch([{ attributes: { 'browser.version': value } }], { scope: { name: 'lib', version: value } })
    expect(await attributes(batch, { content: 'mask' })).toMatchObject({ 'browser.version': stays ? value : '[IP]' })
    const { batch: redacted } = await exitsOfRequest(batch, { content: 'mask' })
    expect(redacted.bytes.includes(value)).toBe(stays)
  })
})

describe('lines of ordinary logs', () => {
  const sentence =
    'Connection to the upstream server was refused after three attempts because the pool of workers had run empty'
  const bodyOf = async (attributes: Record<string, Plain>, logger: string) => {
    const { batch } = await exitsOfRequest(logBatch([{ body: sentence, attributes }], { scope: { name: logger } }), {
      content: 'drop',
    })
    return batch.bytes.includes(sentence)
  }

  test.each<[Record<string, Plain>, string]>([
    [{}, 'app'],
    [{ total_tokens: 12 }, 'app'],
    [{ 'oauth.prompt': 'none', tool_name: 'hammer' }, 'app'],
    [{ 'process.command_args': ['node', 'server.js'] }, 'app'],
    [{}, 'hudson.agents.Launcher'],
    [{}, 'minecraft.bedrock'],
  ])('%j of %s keep their text', async (attributes, logger) => expect(await bodyOf(attributes, logger)).toBe(true))

  test.each<[Record<string, Plain>, string]>([
    [{ 'gen_ai.request.model': 'm' }, 'app'],
    [{ 'llm.model_name': 'm' }, 'app'],
    [{}, 'openinference.instrumentation.openai'],
  ])('%j of %s are of a step', async (attributes, logger) => expect(await bodyOf(attributes, logger)).toBe(false))
})
