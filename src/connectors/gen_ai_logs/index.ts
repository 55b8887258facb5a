import type { ConnectorFactory } from '../../component.ts'
import { type GenAiLogsConfig, schema } from './config.ts'
import { GenAiLogs } from './gen_ai_logs.ts'

export const genAiLogs: ConnectorFactory<GenAiLogsConfig> = {
  kind: 'connector',
  type: 'gen_ai_logs',
  summary: 'Makes of every model call a log record that sums it up, and a second one with its content.',
  signals: [
    ['traces', 'logs'],
    ['logs', 'logs'],
  ],
  passesItems: false,
  countsOnly: false,
  takesSteps: true,
  schema,
  create: (config, host, next) => new GenAiLogs(config, host, next),
}
