/** Where the time of a trace went. */

/** The later ones first where several run at once, so that each moment counts once: a tool that asks a model is waiting for it. */
export const COMPONENTS = ['own_code', 'tool', 'guardrail', 'retrieval', 'model'] as const
export type TimeComponent = (typeof COMPONENTS)[number]

/** Work of one component; milliseconds. */
export interface Span_ms {
  /** Position in COMPONENTS, above 0. */
  readonly component: number
  readonly start_ms: number
  readonly end_ms: number
}

/** Seconds by component, which add up to the time from `start_ms` to `end_ms`: what nobody worked in is the application's own. */
export function timesOf(start_ms: number, end_ms: number, work: readonly Span_ms[]): number[] {
  const moments: [time_ms: number, component: number, change: number][] = []
  for (const { component, start_ms: from, end_ms: to } of work) {
    const [begin, end] = [Math.max(from, start_ms), Math.min(to, end_ms)]
    if (begin < end) moments.push([begin, component, 1], [end, component, -1])
  }
  moments.sort(([one], [other]) => one - other)
  const running = COMPONENTS.map(() => 0)
  const times_s = COMPONENTS.map(() => 0)
  let last_ms = start_ms
  const passTo = (time_ms: number) => {
    const component = Math.max(
      0,
      running.findLastIndex((count) => count > 0),
    )
    times_s[component]! += (time_ms - last_ms) / 1000
    last_ms = time_ms
  }
  for (const [time_ms, component, change] of moments) {
    passTo(time_ms)
    running[component]! += change
  }
  passTo(end_ms)
  return times_s
}
