import { NO_CALL } from './call_rows.ts'
import type { Calls } from './calls.ts'
import { PLACES, type Report } from './report.ts'

/** Columns: the row, its serial (a row that has another one is that of another report), and what `Report.places` has. */
const AT = { row: 0, serial: 1, places: 2 } as const
const WIDTH = AT.places + PLACES
/** A batch may be held for long: one of few reports is to cost little, and one of none nothing. */
const FIRST_ROOM = 4
const NOTHING = new Float64Array(0)

/**
 * What the reports of a batch say and in which rows they are, by their order in the batch: for those who take the batch after
 * the first, who need not parse it again.
 */
export class BatchRows {
  #columns = NOTHING
  #count = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** `row`: NO_CALL for an item that was not added. */
  push(row: number, report: Report, calls: Calls): void {
    const at = this.#count++ * WIDTH
    if (at === this.#columns.length) {
      const larger = new Float64Array(Math.max(at * 2, FIRST_ROOM * WIDTH))
      larger.set(this.#columns)
      this.#columns = larger
    }
    this.#columns[at + AT.row] = row
    this.#columns[at + AT.serial] = row === NO_CALL ? 0 : calls.int(row, 'serial')
    this.#columns.set(report.places, at + AT.places)
  }

  /** Row of the report in that place, whose `places` it has then; NO_CALL if there was none, or none is left. */
  restore(place: number, report: Report, calls: Calls): number {
    const at = place * WIDTH
    const row = this.#columns[at + AT.row]!
    const serial = this.#columns[at + AT.serial]!
    if (place >= this.#count || serial === 0 || calls.int(row, 'serial') !== serial) return NO_CALL
    for (let column = 0; column < PLACES; column++) report.places[column] = this.#columns[at + AT.places + column]!
    return row
  }
}

/** Of batches without reports. */
export const NO_ROWS = new BatchRows()
