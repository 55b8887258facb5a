/** What applications do, told as spans, and the metrics that come of it. */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { counted } from './counted.fixture.ts'
import { bodiesOf, expectationOf, seriesOf, storyIn } from './story.fixture.ts'

const directory = new URL('stories/', import.meta.url)
const names = readdirSync(directory)
  .filter((name) => name.endsWith('.yaml'))
  .sort()

describe.each(names)('%s', (name) => {
  const story = storyIn(new URL(name, directory))
  const bodies = bodiesOf(story)

  test.each([
    ['as it came', bodies],
    ['and everything again', [...bodies, ...bodies]],
  ])(`${story.what}: %s`, async (_, sent) => {
    const config = JSON.stringify(story.config ?? {}).slice(1, -1)
    const { points } = await counted(sent, 'drop', (story.read_after ?? 4) * 1000, config)
    const series = seriesOf(points)
    for (const [wanted, value] of story.metrics.map(expectationOf)) {
      const family = wanted.replace(/\{.*/, '')
      const others = [...series].filter(([one]) => one.startsWith(family)).map((one) => one.join(' '))
      expect(series.get(wanted), `${wanted}; there are\n${others.join('\n')}`).toBeCloseTo(value, 9)
    }
    const families = points.map((point) => point.name.replaceAll('.', '_'))
    for (const family of story.without ?? []) expect(families).not.toContain(family)
  })
})
