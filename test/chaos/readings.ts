/** What a running daemon says of itself: metrics, books. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Samples by name. */
export type Metrics = ReadonlyMap<string, readonly Sample[]>

export interface Edge {
  readonly edge: string
  readonly signal: string
  readonly entered: number
  readonly delivered: number
  readonly sampled_out: number
  readonly duplicate: number
  readonly dropped: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, number>>
  readonly refused: number
  readonly discrepancy: number
}

export async function readMetrics(port: number): Promise<Metrics> {
  return parseMetrics(await (await asked(`http://127.0.0.1:${port}/metrics`)).text())
}

export async function readLedger(port: number): Promise<Edge[]> {
  return ((await (await asked(`http://127.0.0.1:${port}/api/pipeline`)).json()) as { ledger: Edge[] }).ledger
}

function asked(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(30_000), headers: { connection: 'close' } })
}

/** The text format of Prometheus, as far as the daemon writes it. */
export function parseMetrics(text: string): Metrics {
  const metrics = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line)
    if (parts === null) continue
    const list = metrics.get(parts[1]!) ?? []
    list.push({ labels: labelsOf(parts[2] ?? ''), value: Number(parts[3]) })
    metrics.set(parts[1]!, list)
  }
  return metrics
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]))
}

export function sumOf(metrics: Metrics, name: string, where: Readonly<Record<string, string>> = {}): number {
  const fits = ({ labels }: Sample) => Object.entries(where).every(([label, value]) => labels[label] === value)
  return (metrics.get(name) ?? []).filter(fits).reduce((sum, { value }) => sum + value, 0)
}

/** What is wrong with the books while nothing is under way. */
export function mistakesIn(ledger: readonly Edge[]): string[] {
  return ledger.flatMap((edge) => {
    const negative = Object.entries(edge.held).filter(([, items]) => items < 0)
    return [
      ...(edge.discrepancy === 0 ? [] : [`${edge.edge} (${edge.signal}): ${edge.discrepancy} items too many`]),
      ...negative.map(([place, items]) => `${edge.edge} (${edge.signal}): ${items} items are ${place}`),
    ]
  })
}

export function heldItems(ledger: readonly Edge[], place?: string): number {
  const of = ({ held }: Edge) => (place === undefined ? Object.values(held) : [held[place] ?? 0])
  return ledger.flatMap(of).reduce((sum, items) => sum + items, 0)
}

export function edgesOf(ledger: readonly Edge[], name: RegExp): Edge[] {
  return ledger.filter(({ edge }) => name.test(edge))
}
