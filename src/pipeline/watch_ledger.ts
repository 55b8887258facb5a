/** The books as metrics. */
import type { SelfMetrics } from '../self/metrics/registry.ts'
import { type Balance, type Book, Ledger } from './ledger.ts'

const HELP = 'Items by edge and by what became of them; entered is the sum of all others but refused'

/** A ledger that shows itself as `sluice_ledger_items{edge, signal, place}`. The accounts are asked at every scrape. */
export function watchedLedger(meter: SelfMetrics): Ledger {
  const watched: { book: Book; seen: Set<string>; balance: Balance }[] = []
  const show = (account: (typeof watched)[number]): void => {
    const { book, seen } = account
    for (const place of placesOf(account.balance).keys()) {
      if (seen.has(place)) continue
      seen.add(place)
      const labels = { edge: book.name, signal: book.signal, place }
      meter.gauge('sluice_ledger_items', HELP, labels, () => placesOf(account.balance).get(place) ?? 0)
    }
  }
  const refresh = (): number => {
    for (const account of watched) account.balance = account.book.balance()
    // A reason to drop is shown from the first time on.
    for (const account of watched) show(account)
    return watched.length
  }
  // Families are read in the order of their names: this one comes before the items, and reads the books for both.
  meter.gauge('sluice_ledger_accounts', 'Accounts in the books.', {}, refresh)
  return new Ledger((book) => {
    const account = { book, seen: new Set<string>(), balance: book.balance() }
    watched.push(account)
    show(account)
  })
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
