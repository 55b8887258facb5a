/** The books as metrics. */
import type { SelfMetrics } from '../self/registry.ts'
import type { Balance, Ledger } from './ledger.ts'

const HELP = 'Items by edge and by what became of them; entered is the sum of all others but refused'

/** Adds `sluice_ledger_items{edge, signal, place}`: the accounts are asked at every scrape. */
export function watchLedger(meter: SelfMetrics, ledger: Ledger): void {
  const seen = new Set<string>()
  let balances = new Map<string, Balance>()
  const refresh = (): number => {
    balances = new Map(ledger.snapshot().map((balance) => [`${balance.signal} ${balance.edge}`, balance]))
    for (const [key, balance] of balances) {
      for (const place of placesOf(balance).keys()) {
        if (seen.has(`${key} ${place}`)) continue
        seen.add(`${key} ${place}`)
        meter.gauge('sluice_ledger_items', HELP, { edge: balance.edge, signal: balance.signal, place }, () => {
          return placesOf(balances.get(key)!).get(place) ?? 0
        })
      }
    }
    return balances.size
  }
  // Families are written in the order of their names: this one comes before the items, and reads the books for both.
  meter.gauge('sluice_ledger_accounts', 'Accounts in the books.', {}, refresh)
}

function placesOf(balance: Balance): Map<string, number> {
  const places = new Map<string, number>([
    ['entered', balance.entered],
    ['delivered', balance.delivered],
    ['sampled_out', balance.sampled_out],
    ['duplicate', balance.duplicate],
    ['refused', balance.refused],
  ])
  for (const [reason, items] of Object.entries(balance.dropped)) places.set(`dropped_${reason}`, items)
  for (const [place, items] of Object.entries(balance.held)) places.set(`held_${place}`, items)
  return places
}
