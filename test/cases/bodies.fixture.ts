/** OTLP/JSON bodies of cases, and the same telemetry sent in other ways. */
import { readFileSync } from 'node:fs'
import { decode, encode, type Message } from '../../src/otlp/codec.ts'
import { jsonToProtobuf } from '../../src/otlp/json_to_protobuf.ts'
import { requestMessage } from '../../src/telemetry/signal.ts'
import type { Body } from './counted.fixture.ts'

const GROUPS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
} as const

/** The file, read as a receiver reads a body of that signal. */
export function bodyOf(signal: Body['signal'], file: URL): Body {
  return { signal, bytes: jsonToProtobuf(requestMessage[signal], readFileSync(file)) }
}

/** A body for each span or log record, with its resource and scope, in their order. */
export function oneByOne({ signal, bytes }: Body): Body[] {
  const [resources, scopes, items] = GROUPS[signal]
  const inside = (message: Message, name: string) => (message[name] ?? []) as Message[]
  const request = decode(requestMessage[signal], bytes)
  return inside(request, resources).flatMap((resource) =>
    inside(resource, scopes).flatMap((scope) =>
      inside(scope, items).map((item) => {
        const alone = { [resources]: [{ ...resource, [scopes]: [{ ...scope, [items]: [item] }] }] }
        return { signal, bytes: encode(requestMessage[signal], alone).take() }
      }),
    ),
  )
}
