/** What the daemon made of the demo's traffic, asked from its own endpoints as a user would. */

interface ModelRow {
  calls: number
  input: number
  output: number
  cost_usd: number
}
interface TraceEntry {
  readonly service: string
  readonly root_name: string
  readonly cost_usd?: number
  readonly policy?: string
  readonly reason?: string
}
interface Books {
  readonly ledger: readonly { readonly entered: number; readonly discrepancy: number }[]
}

/** Waits until the metrics show what was sent (a flush takes up to half a minute), then prints. */
export async function report(host: string): Promise<void> {
  process.stdout.write('Waiting for the last traces to be decided …\n')
  const models = await settledModels(host)
  const traces = (await getJson(`http://${host}:8890/api/traces?limit=1000`)) as { traces?: TraceEntry[] } | undefined
  const { ledger } = (await getJson(`http://${host}:8890/api/pipeline`)) as Books
  const sections = [tableOf(models), keptText(traces?.traces ?? []), await redactedText(host), `${booksText(ledger)}\n`]
  process.stdout.write(`\n${sections.join('\n\n')}`)
}

/** Two readings that are equal and hold something; after 60 s, whatever there is. */
async function settledModels(host: string): Promise<Map<string, ModelRow>> {
  let before = ''
  for (let attempt = 0; ; attempt++) {
    const models = modelsIn(await (await fetch(`http://${host}:8889/metrics`)).text())
    const now = JSON.stringify([...models])
    if (attempt === 3 || (models.size > 0 && now === before)) return models
    before = now
    await new Promise((resolve) => setTimeout(resolve, 18_000))
  }
}

const FAMILIES: Readonly<Record<string, keyof ModelRow>> = {
  llm_requests_total: 'calls',
  llm_tokens_input_total: 'input',
  llm_tokens_output_total: 'output',
  llm_cost_usd_sum: 'cost_usd',
}

function modelsIn(exposition: string): Map<string, ModelRow> {
  const models = new Map<string, ModelRow>()
  for (const [, name = '', labels = '', value] of exposition.matchAll(/^(\w+)\{([^}]*)\} (\S+)/gm)) {
    const field = FAMILIES[name]
    const model = /(?:^|,)model="([^"]*)"/.exec(labels)?.[1]
    if (field === undefined || model === undefined) continue
    const row = models.get(model) ?? { calls: 0, input: 0, output: 0, cost_usd: 0 }
    row[field] += Number(value)
    models.set(model, row)
  }
  return models
}

function tableOf(models: ReadonlyMap<string, ModelRow>): string {
  const rows = [...models].sort(([, a], [, b]) => b.cost_usd - a.cost_usd)
  const lines = rows.map(([model, { calls, input, output, cost_usd }]) =>
    [model.padEnd(26), calls, input, output, cost_usd.toFixed(4)].map((cell) => String(cell).padStart(12)).join(''),
  )
  const head = ['model'.padEnd(26), 'calls', 'input', 'output', 'USD'].map((cell) => cell.padStart(12)).join('')
  return [head, ...lines].join('\n')
}

function keptText(traces: readonly TraceEntry[]): string {
  const byPolicy = Map.groupBy(traces, ({ policy }) => policy ?? 'unknown')
  const kept = [...byPolicy].map(
    ([policy, entries]) => `  ${String(entries.length).padStart(5)}  ${policy}: ${entries[0]!.reason ?? ''}`,
  )
  return `Kept traces, by the policy that kept them:\n${kept.join('\n')}`
}

/** What redaction took out, and a prompt as it is now, if prompts are kept. */
async function redactedText(host: string): Promise<string> {
  const own = await (await fetch(`http://${host}:8888/metrics`)).text()
  const kinds = [...own.matchAll(/^sluice_redaction_findings\w*\{.*?kind="(\w+)".*?\} (\d+)/gm)]
  const found = new Map<string, number>()
  for (const [, kind = '', count] of kinds) found.set(kind, (found.get(kind) ?? 0) + Number(count))
  const counts = [...found].filter(([, count]) => count > 0).map(([kind, count]) => `${count} ${kind}`)
  const content = await getJson(`http://${host}:8890/api/logs?event=sluice.gen_ai.content&limit=1000`)
  const masked = /[^"\\]*\[(?:EMAIL|PHONE|IBAN|CREDIT_CARD|SSN|API_KEY)\][^"\\]*/.exec(
    JSON.stringify(content ?? ''),
  )?.[0]
  const shown = masked
    ? `A prompt as it is kept: "${masked}"`
    : 'Prompts and answers were removed, which is the default. To keep them without personal data: SLUICE_CONTENT=mask npm start'
  return `Personal data and secrets taken out: ${counts.join(', ') || 'none'}.\n${shown}`
}

function booksText(ledger: Books['ledger']): string {
  const entered = ledger.reduce((sum, account) => sum + account.entered, 0)
  const wrong = ledger.filter(({ discrepancy }) => discrepancy !== 0)
  return wrong.length === 0
    ? `The books balance: each of ${entered} items on ${ledger.length} edges is accounted for.`
    : `The books do NOT balance on ${wrong.length} edges: please report it with the output of /api/pipeline.`
}

async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url)
  return answer.ok ? await answer.json() : undefined
}
